package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestCommittedAssemblyIsGenerated fails when the generator was changed and go generate not run.
func TestCommittedAssemblyIsGenerated(t *testing.T) {
	dir := t.TempDir()
	if err := generate(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"avx512_amd64.s", "avx512_amd64.go", "avx2_amd64.s", "avx2_amd64.go"} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		committed, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, committed) {
			t.Errorf("%s is not what the generator writes: run go generate in models/kernel", name)
		}
	}
}

// TestAVX2UsesSixteenRegisters: with more, the assembler would choose instructions of AVX-512.
func TestAVX2UsesSixteenRegisters(t *testing.T) {
	text, err := os.ReadFile("../avx2_amd64.s")
	if err != nil {
		t.Fatal(err)
	}
	if m := regexp.MustCompile(`\b([XY](1[6-9]|2\d|3[01])|Z\d+|K[0-7])\b`).Find(text); m != nil {
		t.Errorf("register %s does not exist in AVX2", m)
	}
	if m := regexp.MustCompile(`Requires:.*AVX512`).Find(text); m != nil {
		t.Errorf("AVX2 functions have the line %q", m)
	}
}
