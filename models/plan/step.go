package plan

import (
	"fmt"

	"github.com/penstock-ml/penstock/models/ops"
	"gorgonia.org/gorgonia"
)

// A step is one entry of a plan's list.
type step interface{ run() error }

// A kernelStep calls a kernel on memory of the plan.
type kernelStep struct {
	kernel  kernelForm
	out     *ops.Buffer
	in      []*ops.Buffer
	scratch []float32
}

func (s *kernelStep) run() error {
	s.kernel.Compute(s.out, s.in, s.scratch)
	return nil
}

// A copyStep puts a gradient in its place in the vector when it could not be
// computed there.
type copyStep struct {
	dst []float32
	src *ops.Buffer
}

func (s *copyStep) run() error {
	copy(s.dst, s.src.F32)
	return nil
}

// A foreignStep runs an operation that is not Penstock's, which makes a new
// value each time.
type foreignStep struct {
	op   gorgonia.Op
	out  *value
	in   []*value
	args []gorgonia.Value
}

func (s *foreignStep) run() error {
	for i, v := range s.in {
		s.args[i] = v.current()
	}
	result, err := s.op.Do(s.args...)
	if err != nil {
		return fmt.Errorf("operation %v: %w", s.op, err)
	}
	s.out.tensor = result
	if s.out.buffer == nil {
		return nil
	}
	buffer, err := ops.FromValue(result)
	if err != nil {
		return fmt.Errorf("operation %v: %w", s.op, err)
	}
	if len(buffer.F32) != len(s.out.buffer.F32) || len(buffer.I32) != len(s.out.buffer.I32) {
		return fmt.Errorf("operation %v gave shape %v: the graph says %v", s.op, buffer.Shape, s.out.buffer.Shape)
	}
	copy(s.out.buffer.F32, buffer.F32)
	copy(s.out.buffer.I32, buffer.I32)
	return nil
}
