// Package cli is the penstock command: one file a command, from flags to the options of package pipelines. It is the
// only package that reads flags or prints.
//
// A program with model kinds of its own imports them and calls [Main]:
//
//	func main() { os.Exit(cli.Main(context.Background(), os.Args[1:])) }
//
// Results go to standard output, as text or with --format json as one line of JSON; all else goes to standard error.
// The exit status is 0 when the command is done, 1 when it failed and 2 when it was called wrongly.
package cli
