// Command penstock trains, evaluates and applies models as Apache Beam pipelines.
package main

import (
	"context"
	"os"

	"github.com/penstock-ml/penstock/cli"
)

func main() {
	os.Exit(cli.Main(context.Background(), os.Args[1:]))
}
