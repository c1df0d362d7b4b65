// Command gen writes the assembly of package kernel, and its declarations, from one description for both widths of
// vectors. Run it by go generate in models/kernel.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
)

func main() {
	dir := flag.String("dir", "..", "directory of package kernel")
	flag.Parse()
	if err := generate(*dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func generate(dir string) error {
	for _, v := range []*isa{newAVX512(), newAVX2()} {
		v.products()
		v.skipping()
		v.elementwise()
		v.rows()
		v.transcendentals()
		v.optimizers()
		v.fixed()
		if err := v.write(dir); err != nil {
			return err
		}
	}
	return nil
}

// write compiles the functions and writes NAME_amd64.s and their declarations in NAME_amd64.go.
func (v *isa) write(dir string) error {
	file, err := v.Result()
	if err != nil {
		return err
	}
	if err := pass.Compile.Execute(file); err != nil {
		return err
	}
	config := printer.Config{Name: "go generate", Pkg: "kernel"}
	base := filepath.Join(dir, v.file+"_amd64")
	for suffix, p := range map[string]printer.Printer{".s": printer.NewGoAsm(config), ".go": printer.NewStubs(config)} {
		text, err := p.Print(file)
		if err != nil {
			return err
		}
		if err := os.WriteFile(base+suffix, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// function begins an assembly function; its name carries the instruction set.
func (v *isa) function(name, signature, doc string) {
	v.Function(name + v.suffix)
	v.Attributes(noSplit)
	v.Pragma("noescape")
	v.Doc(name + v.suffix + " " + doc)
	v.SignatureExpr(signature)
}
