package flinkcluster

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// pom names what the cluster consists of: Beam's runner for Flink, which brings Flink itself, and a logger.
//
//go:embed pom.xml
var pom []byte

// overrides has a class that keeps the job server from uploading its jars with every job: see java/.
//
//go:embed java/nostaging.jar
var overrides []byte

const overridesName = "nostaging.jar"

// Missing says what of the programs that a cluster needs this machine lacks; nil if it has all.
func Missing() error {
	for program, what := range map[string]string{"java": "a Java runtime, 11 or 17", "mvn": "Maven"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("a Flink cluster needs %s: there is no %s in the PATH", what, program)
		}
	}
	return nil
}

// Assemble returns a directory with the cluster's jars, which it fetches with Maven the first time (150 MB): in
// FLINK_JARS or else in the user's cache.
func Assemble(ctx context.Context, say func(sentence string)) (string, error) {
	if dir := os.Getenv("FLINK_JARS"); dir != "" {
		return dir, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "penstock", fmt.Sprintf("flink-%x", sha256.Sum256(pom))[:18])
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return dir, err
	}
	if err := Missing(); err != nil {
		return "", err
	}
	say("fetching Flink and Beam's runner for it with Maven, once")
	return dir, fetch(ctx, dir)
}

// fetch fills the directory with jars; it appears when all are there.
func fetch(ctx context.Context, dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o777); err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(dir), "fetch-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := os.WriteFile(filepath.Join(work, "pom.xml"), pom, 0o666); err != nil {
		return err
	}
	mvn := exec.CommandContext(ctx, "mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib")
	mvn.Dir = work
	if out, err := mvn.CombinedOutput(); err != nil {
		return fmt.Errorf("fetch Flink with Maven: %w\n%s", err, out)
	}
	err = os.Rename(filepath.Join(work, "lib"), dir)
	if errors.Is(err, fs.ErrExist) {
		return nil // another process was faster
	}
	return err
}
