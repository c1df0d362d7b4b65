package pipelines

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/penstock-ml/penstock/models/metrics"
	"github.com/penstock-ml/penstock/models/optimizer"
	"github.com/penstock-ml/penstock/models/spec"
	"github.com/penstock-ml/penstock/models/tensorboard"
	"github.com/penstock-ml/penstock/models/training"
	"github.com/penstock-ml/penstock/storage"
	"github.com/penstock-ml/penstock/transforms"
)

// logEvery is the distance in steps between the lines of metrics.jsonl.
const logEvery = 10

// history writes what a run reports: metrics.jsonl and TensorBoard's event files. A stretch of it is written before the
// checkpoint that ends the stretch, and a resumed run drops what lies beyond its checkpoint; so whenever a run dies, its
// history can be made to end where its checkpoint does.
type history struct {
	jobDir string
	// rates are the learning rates of the parameter groups before the schedule's factor, which scheduled ones take.
	rates     map[string]float64
	scheduled map[string]bool

	written []byte       // metrics.jsonl but for its last line
	last    *historyLine // its last line, which an evaluation may still amend
	losses  []heldOutLoss
	fresh   []historyLine // not written yet
}

// historyLine is one line of metrics.jsonl.
type historyLine struct {
	Step              int64              `json:"step"`
	Loss              float64            `json:"loss"` // mean over the step's examples
	LearningRate      map[string]float64 `json:"learning_rate"`
	GradientNorm      float64            `json:"gradient_norm"`
	ExamplesPerSecond float64            `json:"examples_per_second"`
	Time              float64            `json:"time"` // Unix seconds
	Evaluation        *metrics.Metrics   `json:"evaluation,omitempty"`
	HeldOut           *metrics.Metrics   `json:"held_out,omitempty"` // by early stopping
}

// heldOutLoss is the loss of the records that are held out, at a step.
type heldOutLoss struct {
	step int64
	loss float64
}

// openHistory starts a run's history, or takes it up at a step: later lines are dropped.
func openHistory(ctx context.Context, jobDir string, optimizers map[string]spec.Optimizer, step int64) (*history, error) {
	h := &history{jobDir: jobDir, rates: map[string]float64{}, scheduled: map[string]bool{}}
	for group, o := range optimizers {
		h.rates[group], h.scheduled[group] = o.LearningRate, optimizer.Scheduled(o.Kind)
	}
	if step == 0 {
		return h, h.clear(ctx)
	}
	data, err := storage.ReadFile(ctx, h.path())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := h.takeUp(data, step); err != nil {
		return nil, fmt.Errorf("%s: %w", h.path(), err)
	}
	return h, nil
}

func (h *history) path() string { return storage.Join(h.jobDir, "metrics.jsonl") }

// clear removes what an earlier run without a checkpoint left.
func (h *history) clear(ctx context.Context) error {
	for _, dir := range []string{h.jobDir, storage.Join(h.jobDir, "eval"), storage.Join(h.jobDir, "held_out")} {
		files, err := storage.List(ctx, dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, file := range files {
			name := storage.Base(file.Path)
			if storage.Dir(file.Path) != dir || name != "metrics.jsonl" && !strings.HasPrefix(name, "events.out.tfevents.") {
				continue
			}
			if err := storage.Delete(ctx, file.Path); err != nil {
				return err
			}
		}
	}
	return nil
}

// takeUp keeps the lines whose step is at most step.
func (h *history) takeUp(data []byte, step int64) error {
	for line := range bytes.Lines(data) {
		l := &historyLine{}
		if err := json.Unmarshal(line, l); err != nil {
			return fmt.Errorf("not a line of metrics: %w", err)
		}
		if l.Step > step {
			break
		}
		if err := h.closeLast(); err != nil {
			return err
		}
		h.last = l
		if l.HeldOut != nil {
			h.losses = append(h.losses, heldOutLoss{l.Step, l.HeldOut.Loss})
		}
	}
	return nil
}

// eachHeldOut lists what was taken up of the records that are held out.
func (h *history) eachHeldOut(take func(step int64, loss float64)) {
	for _, l := range h.losses {
		take(l.step, l.loss)
	}
}

// closeLast makes the last line part of what is written and no longer changes.
func (h *history) closeLast() error {
	if h.last == nil {
		return nil
	}
	line, err := json.Marshal(h.last)
	if err != nil {
		return err
	}
	h.written = append(append(h.written, line...), '\n')
	h.last = nil
	return nil
}

// step is the last that the history tells of.
func (h *history) step() int64 {
	if h.last == nil {
		return 0
	}
	return h.last.Step
}

// add takes in the rounds of a segment, each of so many steps: those in which a tenth step is, and the last when it ends
// a stretch.
func (h *history) add(log []training.StepLog, steps int64, endsStretch bool, examplesPerSecond float64, now time.Time) {
	for i, step := range log {
		if !crosses(step.Step, steps, logEvery) && !(endsStretch && i == len(log)-1) {
			continue
		}
		line := historyLine{
			Step: step.Step, Loss: step.Loss, LearningRate: map[string]float64{}, GradientNorm: step.GradientNorm,
			ExamplesPerSecond: examplesPerSecond, Time: float64(now.UnixMicro()) / 1e6,
		}
		for group, rate := range h.rates {
			line.LearningRate[group] = rate
			if h.scheduled[group] {
				line.LearningRate[group] *= step.RateFactor
			}
		}
		h.fresh = append(h.fresh, line)
	}
}

// commit writes the stretch since the last commit: its lines, and its event file, named by its last step so that a
// stretch that is done again replaces it. The values are of the last step.
func (h *history) commit(ctx context.Context, values []tensorboard.Value) error {
	if len(h.fresh) == 0 {
		return nil
	}
	var events []tensorboard.Event
	for _, line := range h.fresh {
		events = append(events, tensorboard.Event{Step: line.Step, Time: timeOf(line), Values: trainValues(line)})
	}
	last := &events[len(events)-1]
	last.Values = append(last.Values, values...)
	if err := h.writeEvents(ctx, h.jobDir, events); err != nil {
		return err
	}
	for i := range h.fresh {
		if err := h.closeLast(); err != nil {
			return err
		}
		h.last = &h.fresh[i]
	}
	h.fresh = nil
	return h.write(ctx)
}

// evaluated adds an evaluation to the last line.
func (h *history) evaluated(ctx context.Context, result *transforms.EvaluationResult) error {
	h.last.Evaluation = result.Metrics
	return h.amended(ctx, "eval", result)
}

// heldOut adds an evaluation of what is held out to the last line.
func (h *history) heldOut(ctx context.Context, result *transforms.EvaluationResult) error {
	h.last.HeldOut = result.Metrics
	return h.amended(ctx, "held_out", result)
}

// amended writes the last line anew and the event file of a subdirectory.
func (h *history) amended(ctx context.Context, dir string, result *transforms.EvaluationResult) error {
	event := tensorboard.Event{Step: h.last.Step, Time: timeOf(*h.last), Values: evaluationValues(result)}
	if err := h.writeEvents(ctx, storage.Join(h.jobDir, dir), []tensorboard.Event{event}); err != nil {
		return err
	}
	return h.write(ctx)
}

// describe leaves a text about the run for TensorBoard.
func (h *history) describe(ctx context.Context, tag, text string) error {
	event := tensorboard.Event{Time: time.Now(), Values: []tensorboard.Value{tensorboard.NewText(tag, text)}}
	return h.writeEvents(ctx, h.jobDir, []tensorboard.Event{event})
}

func (h *history) write(ctx context.Context) error {
	last, err := json.Marshal(h.last)
	if err != nil {
		return err
	}
	return storage.WriteFile(ctx, h.path(), slices.Concat(h.written, last, []byte("\n")))
}

func (h *history) writeEvents(ctx context.Context, dir string, events []tensorboard.Event) error {
	var buffer bytes.Buffer
	writer, err := tensorboard.NewWriter(&buffer, events[0].Time)
	if err != nil {
		return err
	}
	for _, e := range events {
		if err := writer.Values(e.Step, e.Values, e.Time); err != nil {
			return err
		}
	}
	name := fmt.Sprintf("events.out.tfevents.%010d.penstock", events[len(events)-1].Step)
	return storage.WriteFile(ctx, storage.Join(dir, name), buffer.Bytes())
}

func timeOf(line historyLine) time.Time { return time.UnixMicro(int64(line.Time * 1e6)) }
