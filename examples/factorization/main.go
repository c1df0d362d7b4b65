// Command factorization is penstock with one more kind of model, the
// factorization machine of package fm: blank imports of kinds and a call of
// cli.Main are all that a program with kinds of its own needs.
package main

import (
	"context"
	"os"

	"github.com/penstock-ml/penstock/cli"
	_ "github.com/penstock-ml/penstock/examples/factorization/fm"
)

func main() {
	os.Exit(cli.Main(context.Background(), os.Args[1:]))
}
