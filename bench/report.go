package main

import (
	_ "embed"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"time"

	"github.com/penstock-ml/penstock/models/kernel"
)

// notes is the part of BENCHMARKS.md that is written by hand.
//
//go:embed notes.md
var notes string

const head = `# Benchmarks

<!-- Written by make bench: edit bench/notes.md, which is the hand-written part at the end, and bench/*.go. -->

%s, %d cores used of %d, %s/%s, %s, kernel %s. %s.

Each figure is the median of its pairs: peer, Penstock, peer, Penstock, ..., each side in a process of its own on the same cores. A ratio is the median of the ratios within the pairs, above 1 where Penstock is better.
Batches are of 512 examples. Training data: %s, %d rows.
`

// write writes BENCHMARKS.md.
func (b *bench) write(w io.Writer, now time.Time) error {
	p := &printer{w: w}
	data := "the census, `adult.data.csv`"
	if !b.data.real {
		data = "**generated records in census form, as the real census is not on this machine**"
	}
	p.print(head, processor(), b.cores, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), kernel.Name(),
		now.Format("2 January 2006"), data, b.data.rows)
	if b.quick {
		p.print("\n**A quick run: one pair each, of lengths too short for figures that mean anything.**\n")
	}
	b.writeRows(p)
	b.writeLimits(p)
	b.writeKernels(p)
	b.writeSkipped(p)
	p.print("\n<!-- From here on: bench/notes.md -->\n\n%s", notes)
	return p.err
}

func (b *bench) writeRows(p *printer) {
	p.print("\n## Against peers, and alone\n\n")
	p.print("| work | unit | peer | peer's figure | Penstock | ratio | pairs | share of peak | most memory, MB |\n|---|---|---|--:|--:|--:|--:|--:|--:|\n")
	var before *row
	for _, r := range b.results {
		work, peer, figure, ratio := r.row.work, "none", "", ""
		if r.row == before {
			work = ""
		}
		before = r.row
		if r.peer != "" {
			peer, figure, ratio = r.peer, number(r.peerFigure), "**"+number(r.ratio)+"**"
		}
		p.print("| %s | %s | %s | %s | %s | %s | %d | %s | %s |\n",
			work, r.row.unit, peer, figure, number(r.penstock), ratio, r.pairs, b.shareOfPeak(&r), megabytes(r.resident))
	}
	p.print("\nTraining counts the loop alone, on both sides. Batch prediction counts Penstock's whole process, of a peer all but imports. A peer's whole process ends with the first epoch whose test AUC is reached, without an export.\n")
	p.print("\nThe share of peak counts the operations of the matrix products that the model needs (one-hot columns need none), forward and backward, against the peak of all the cores used; it may pass 100%%, since terms and units at zero are left out. Memory is Penstock's.\n")
}

// shareOfPeak is empty where no count of operations, or no peak, is known.
func (b *bench) shareOfPeak(r *result) string {
	if r.row.flops == 0 || b.limits.peakAll == 0 {
		return ""
	}
	return percent(r.penstock * r.row.flops / b.limits.peakAll)
}

func (b *bench) writeLimits(p *printer) {
	p.print("\n## The limits of this machine, as measured\n\n| limit | one core | %d cores |\n|---|--:|--:|\n", b.cores)
	for _, name := range kernel.Available() {
		peak, known := b.limits.peak[name]
		if !known {
			continue
		}
		all := ""
		if name == kernel.Name() {
			all = number(b.limits.peakAll / 1e9)
		}
		p.print("| fused multiply-adds, %s, GFLOP/s | %s | %s |\n", name, number(peak/1e9), all)
	}
	p.print("| memory, the fastest of reading, scaling in place and adding, GB/s | %s | %s |\n", number(b.limits.memory/1e9), number(b.limits.memoryAll/1e9))
	b.writeDoubt(p)
}

// writeDoubt warns of a machine on which figures of all cores mean less.
func (b *bench) writeDoubt(p *printer) {
	if sum := float64(b.cores) * b.limits.peak[kernel.Name()]; b.limits.peakAll < 0.8*sum {
		p.print("\n**The cores together reach much less than the sum of each alone: they share their multiply-adders, or had other work during this run, and then figures are too low and shares too high.**\n")
	}
}

func (b *bench) writeKernels(p *printer) {
	if len(b.kernels) == 0 {
		return
	}
	p.print("\n## Kernels, one core\n\nThe fastest of many calls, as the share of the limit that binds it: for products the multiply-adds of one core, timed in turns with the calls. Products are M x N x K; the order of every sum is fixed, and the three kernels give the same bits.\n\n")
	p.print("| kernel | implementation | rate | share of limit |\n|---|---|--:|--:|\n")
	for _, k := range b.kernels {
		share := ""
		if k.share > 0 {
			share = percent(k.share)
		}
		p.print("| %s | %s | %s %s | %s |\n", k.row.name, k.kernel, number(k.rate/1e9), k.row.unit, share)
	}
}

func (b *bench) writeSkipped(p *printer) {
	if len(b.skipped) == 0 {
		return
	}
	p.print("\n## Not measured\n\n")
	for _, s := range b.skipped {
		p.print("- %s: %s\n", s.what, s.why)
	}
}

// printer keeps the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) print(format string, values ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, values...)
	}
}

// number has three significant digits, and thousands set apart.
func number(x float64) string {
	if x < 1000 {
		return strconv.FormatFloat(x, 'f', decimals(x), 64)
	}
	unit := 1.0
	for x/unit >= 1000 {
		unit *= 10
	}
	digits := strconv.FormatFloat(unit*float64(int(x/unit+0.5)), 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func decimals(x float64) int {
	switch {
	case x < 1:
		return 3
	case x < 10:
		return 2
	case x < 100:
		return 1
	}
	return 0
}

func percent(share float64) string { return fmt.Sprintf("%.0f%%", 100*share) }

func megabytes(bytes int64) string {
	if bytes == 0 {
		return ""
	}
	return number(float64(bytes) / 1e6)
}
