package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

const rootHelp = `Penstock trains, evaluates and applies models as Apache Beam pipelines.

A model is described by a YAML file and trained from CSV or JSON Lines files. Files and directories are local or
on Cloud Storage (gs://bucket/path).

PENSTOCK_KERNEL=avx512, avx2 or portable in the environment forces a kernel; the results are the same.`

const rootExample = `  penstock generate census --rows 30000 --output data
  penstock train --config census.yaml --train-files data/train.csv --eval-files data/eval.csv --job-dir job
  penstock predict --model job --json-instances people.jsonl`

func newRootCommand(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:           "penstock",
		Short:         "Train, evaluate and apply models as Apache Beam pipelines",
		Long:          rootHelp,
		Example:       rootExample,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          needsCommand,
	}
	// Groups run only to refuse; their help should not show a usage without a command.
	usage := strings.Replace(root.UsageTemplate(), "{{if .Runnable}}", "{{if not .HasAvailableSubCommands}}", 1)
	root.SetUsageTemplate(strings.ReplaceAll(usage, "FlagUsages |", "FlagUsages | plainSwitches |"))
	root.PersistentFlags().Var(newChoice(&a.format, "text", "json"), "format", "`format` of the result: text, or json on one line")
	root.PersistentFlags().BoolVar(&a.verbose, "verbose", false, "also log what Beam and its runners report")
	root.AddCommand(
		newInitCommand(a),
		newTrainCommand(a),
		newEvaluateCommand(a),
		newPredictCommand(a),
		newBatchPredictCommand(a),
		newModelsCommand(a),
		newStreamPredictCommand(a),
		newServeCommand(a),
		newJobsCommand(a),
		newGenerateCommand(a),
		newVersionCommand(a),
	)
	return root
}

func init() { cobra.AddTemplateFunc("plainSwitches", plainSwitches) }

// plainSwitches shows a switch by its name alone. The library adds the values that it also takes, which nobody needs.
func plainSwitches(usages string) string {
	const values = "[=true|false]"
	return strings.ReplaceAll(usages, values, strings.Repeat(" ", len(values)))
}

// needsCommand refuses a group of commands on its own.
func needsCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return errors.New("a command is missing")
	}
	return fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath())
}

// noArguments refuses words that belong to no flag.
func noArguments(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("unexpected argument %q: only flags are taken", args[0])
	}
	return nil
}

// require makes flags mandatory.
func require(cmd *cobra.Command, flags ...string) {
	for _, name := range flags {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // a misspelt name in this package
		}
	}
}
