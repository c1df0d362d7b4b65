package pipelines

import (
	"context"
	"crypto/rand"
	"math"
	"os"
	"slices"
	"time"

	"github.com/penstock-ml/penstock/models/metrics"
	"github.com/penstock-ml/penstock/models/records"
	"github.com/penstock-ml/penstock/models/spec"
	"github.com/penstock-ml/penstock/models/training"
	"github.com/penstock-ml/penstock/storage"
	"github.com/penstock-ml/penstock/transforms"
)

const (
	sampleBytes = 16 << 20 // of files that calibration reads
	// calibrationTime is how long rounds are run where one is too short to be timed.
	calibrationTime = 800 * time.Millisecond
)

// calibrate runs the first rounds of a run on the beginning of its files and times them. What depends on the amount of
// data is timed in this process: in a pipeline of a runner far away it would not show against the start of a job.
func calibrate(ctx context.Context, o TrainOptions, files, evalFiles []storage.Info) (c *costs, err error) {
	files, evalFiles = sample(files), sample(evalFiles)
	if o, err = calibrationOptions(o); err != nil {
		return nil, err
	}
	defer func() {
		if removed := storage.DeleteDir(context.WithoutCancel(ctx), o.JobDir); err == nil {
			err = removed
		}
	}()
	c = &costs{}
	c.hashed, err = rate(totalSize(files), func() error { _, err := identify(ctx, files); return err })
	if err != nil {
		return nil, err
	}
	r, err := openRun(ctx, o, files)
	if err != nil {
		return nil, err
	}
	defer r.job.Release()
	r.paced = true // it has no end
	if err := c.timeRounds(ctx, r); err != nil {
		return nil, err
	}
	if err := c.timeData(ctx, r, files, evalFiles); err != nil {
		return nil, err
	}
	c.recordsPerByte = float64(r.fitted.Records) / float64(totalSize(files))
	if err := c.measureSizes(ctx, r); err != nil {
		return nil, err
	}
	elements := min(o.Runner.Elements(), o.Shards)
	c.fixed = max(0, c.round-c.step*float64(r.stepsPerRound())-c.exchange(elements, true))
	return c, nil
}

// sample is the beginning of the files. One that cannot be read in part is read as a whole.
func sample(files []storage.Info) (part []storage.Info) {
	left := int64(sampleBytes)
	for _, f := range files {
		if left <= 0 {
			break
		}
		f.Size = min(f.Size, left)
		left -= f.Size
		part = append(part, f)
	}
	return part
}

// calibrationOptions are those of a run that nobody hears of, and that does not end by itself.
func calibrationOptions(o TrainOptions) (TrainOptions, error) {
	text, err := o.Spec.Marshal()
	if err != nil {
		return o, err
	}
	if o.Spec, err = spec.Parse("spec.yaml", text); err != nil {
		return o, err
	}
	o.Spec.Training.Steps, o.Spec.Training.Epochs = math.MaxInt32, 0
	parent := o.JobDir // which workers can reach
	if o.Runner.InProcess() {
		parent = os.TempDir()
	}
	o.JobDir = storage.Join(parent, "calibration-"+rand.Text())
	o.EvalFiles, o.Resume, o.Observer, o.MaxBadRounds = nil, false, TrainObserver{}, math.MaxInt
	return o, nil
}

// timeRounds finds what a pipeline and a round take on the runner: from the times of pipelines of one round and of as
// many as it may have.
func (c *costs) timeRounds(ctx context.Context, r *trainRun) error {
	c.maxRounds = r.maxRounds()
	first, err := r.timeSegment(ctx, 1) // starts workers and reads the records
	if err != nil {
		return err
	}
	if r.Runner.InProcess() {
		c.startUp = first // less what timeLoad finds to be of the records
		return c.timeRoundsHere(ctx, r)
	}
	var short, long []float64
	for range 3 {
		a, err := r.timeSegment(ctx, 1)
		if err != nil {
			return err
		}
		b, err := r.timeSegment(ctx, max(2, c.maxRounds))
		if err != nil {
			return err
		}
		short, long = append(short, a), append(long, b)
	}
	rounds := float64(max(2, c.maxRounds))
	c.round = max(0, (mean(long)-mean(short))/(rounds-1)) // a run's time is a sum: the slow ones count
	c.job = max(0, mean(short)-c.round)
	c.startUp = max(0, first-median(short))
	c.loads = !r.Runner.KeepsWorkers()
	return nil
}

// timeRoundsHere is timeRounds where a pipeline costs nothing and a round little.
func (c *costs) timeRoundsHere(ctx context.Context, r *trainRun) error {
	var each []float64
	for began := time.Now(); len(each) < 5 || time.Since(began) < calibrationTime; {
		rounds := min(c.maxRounds, 100)
		took, err := r.timeSegment(ctx, rounds)
		if err != nil {
			return err
		}
		each = append(each, took/float64(rounds))
		if len(each) >= 5 && time.Since(began) > 10*calibrationTime { // rounds of many steps are long enough
			break
		}
	}
	c.round = mean(each)
	began := time.Now()
	err := r.commit(ctx)
	c.commit = time.Since(began).Seconds()
	return err
}

func (r *trainRun) timeSegment(ctx context.Context, rounds int) (float64, error) {
	began := time.Now()
	err := r.segment(ctx, rounds, math.MaxInt64)
	return time.Since(began).Seconds(), err
}

// timeData finds what reading, encoding and scoring take on this process's cores.
func (c *costs) timeData(ctx context.Context, r *trainRun, files, evalFiles []storage.Info) (err error) {
	text, err := r.Spec.Marshal()
	if err != nil {
		return err
	}
	analysis := &transforms.AnalyzeFn{Spec: text}
	if err := analysis.Setup(); err != nil {
		return err
	}
	ranges := records.Split(files, r.Spec.Format(), analysisRangeBytes)
	c.analysed, err = rate(totalSize(files), func() error {
		_, err := analysis.ProcessElement(ctx, transforms.RangeGroup{Ranges: ranges})
		return err
	})
	if err != nil {
		return err
	}
	if err := c.timeLoad(ctx, r); err != nil || len(evalFiles) == 0 {
		return err
	}
	return c.timeScoring(ctx, r, evalFiles)
}

// timeLoad finds what a worker takes to read and encode its records: the difference between a first contribution and
// another.
func (c *costs) timeLoad(ctx context.Context, r *trainRun) error {
	fresh := r.job
	fresh.Run = rand.Text()
	defer fresh.Release()
	trainer, err := fresh.Trainer(ctx)
	if err != nil {
		return err
	}
	state := trainer.Initial()
	var took []float64
	for range 6 {
		began := time.Now()
		if _, err := trainer.Contribute(ctx, r.shards, state); err != nil {
			return err
		}
		took = append(took, time.Since(began).Seconds())
	}
	round := median(took[1:])
	c.spread = spread(took[1:])
	c.step = round / float64(r.stepsPerRound())
	c.loaded = float64(r.fitted.Records) / max(took[0]-round, 1e-9)
	if r.Runner.InProcess() {
		c.startUp = max(0, c.startUp-took[0])
	}
	if c.loads { // the time of a job has it, of the sample
		c.job = max(0, c.job-float64(r.fitted.Records)/c.loaded)
	}
	return nil
}

func (c *costs) timeScoring(ctx context.Context, r *trainRun, files []storage.Info) (err error) {
	model := ModelRef{JobDir: r.JobDir, Step: r.committed}
	defer model.Release()
	score := &transforms.EvaluateFn{Evaluation: transforms.Evaluation{Model: model}}
	if err := score.Setup(ctx); err != nil {
		return err
	}
	o := EvaluateOptions{}
	ranges := records.Split(files, r.Spec.Format(), o.rangeBytes(files))
	c.scored, err = rate(totalSize(files), func() error {
		return score.ProcessElement(ctx, transforms.RangeGroup{Ranges: ranges}, func(transforms.EvaluationPart, *metrics.Figures) {}, func(transforms.EvaluationPart, *metrics.Curve) {})
	})
	return err
}

// measureSizes finds how many bytes a round's elements have on their way to other processes.
func (c *costs) measureSizes(ctx context.Context, r *trainRun) error {
	state, err := r.state.MarshalBinary()
	if err != nil {
		return err
	}
	contribution, err := r.trainer.Contribute(ctx, r.shards[:1], r.stateFor())
	if err != nil {
		return err
	}
	encoded, err := contribution.MarshalBinary()
	if err != nil {
		return err
	}
	c.stateBytes, c.contributionBytes = int64(len(state)), int64(len(encoded))
	c.coded, err = rate(c.stateBytes, func() error { return (&training.State{}).UnmarshalBinary(state) })
	c.coded /= 2 // it is encoded, too
	return err
}

// stateFor is the newest state as a shard of the next round reads it.
func (r *trainRun) stateFor() *training.State {
	if n := r.Strategy.Staleness; n > 0 {
		return r.state.Read(0, n)
	}
	return r.state
}

// rate is how much of an amount is done in a second; the second of two times counts.
func rate(amount int64, do func() error) (float64, error) {
	var took time.Duration
	for range 2 {
		began := time.Now()
		if err := do(); err != nil {
			return 0, err
		}
		took = time.Since(began)
	}
	return float64(max(1, amount)) / max(took.Seconds(), 1e-9), nil
}

func mean(x []float64) (m float64) {
	for _, v := range x {
		m += v / float64(len(x))
	}
	return m
}

// spread is the standard deviation of times, as a part of their mean.
func spread(x []float64) float64 {
	m, sum := mean(x), 0.0
	for _, v := range x {
		sum += (v - m) * (v - m)
	}
	return math.Sqrt(sum/float64(len(x))) / m
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return x[len(x)/2]
}
