package predict_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/penstock-ml/penstock/models/predictor/predictortest"
	"github.com/penstock-ml/penstock/models/saved"
	"github.com/penstock-ml/penstock/runners"
	"github.com/penstock-ml/penstock/transforms/predict"
)

func init() {
	beam.RegisterDoFn(reflect.TypeFor[PrintFn]())
	register.Function1x0((&PrintFn{}).ProcessElement)
}

// PrintFn prints predictions.
type PrintFn struct{}

// ProcessElement prints one.
func (f *PrintFn) ProcessElement(p predict.Prediction) {
	fmt.Printf("%s earns %s (%.3f)\n", p.Key, p.Answer.Class, p.Answer.Probabilities[1])
}

// A pipeline that predicts records that it has made itself.
func Example() {
	ctx := context.Background()
	model, err := predict.Find(ctx, exampleJob()) // a directory that train wrote, on disk or gs://
	if err != nil {
		log.Fatal(err)
	}
	p, s := beam.NewPipelineWithRoot()
	records := beam.CreateList(s, []string{
		`{"id": "Ada", "age": 36, "job": "pilot", "city": "London", "hours": 60}`,
	})
	predictions, _ := predict.Records(s, model, records)
	beam.ParDo0(s, &PrintFn{}, predictions)

	runner, err := runners.Get("direct")
	if err != nil {
		log.Fatal(err)
	}
	run, err := runner.Prepare(p)
	if err != nil {
		log.Fatal(err)
	}
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
	// Output: Ada earns <=50K (0.452)
}

// exampleJob stands for a job directory.
func exampleJob() string {
	dir, err := os.MkdirTemp("", "penstock-example-")
	if err != nil {
		log.Fatal(err)
	}
	export, _, err := saved.WriteExport(context.Background(), dir, "toy", time.Unix(1000, 0), predictortest.Model(&testing.T{}))
	if err != nil {
		log.Fatal(err)
	}
	return export
}
