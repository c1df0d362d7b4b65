package kernel

import "math"

const (
	// stripTerms are the rows of b that are widened to float64 at a time: 16 KB of the first cache, for all rows of c.
	stripTerms   = 256
	stripColumns = 8
	// fineFactors is the least product of factors whose sums need no look for denormals. Significands are below 2, so
	// the exponents add up to -103 at least, and the last bits of products lie 46 below: all sums are multiples of
	// 2^-149, as float32s are, and denormal ones exact.
	fineFactors = 0x1p-102
)

// A strip is eight columns of some rows of b; columns that b lacks are zero.
type strip [][stripColumns]float64

// multiplyPortable works on eight columns of c at a time, so that b is widened once for all rows of c.
func multiplyPortable(p product) {
	for i := range p.m {
		p.startRow(p.c[i*p.ldc:][:p.n])
	}
	least := leastMagnitude(p.a, p.m, p.k, p.aRow, p.aStep)
	var room [stripTerms][stripColumns]float64
	for first := 0; first < p.k; first += stripTerms {
		b := strip(room[:min(stripTerms, p.k-first)])
		for j := 0; j < p.n; j += stripColumns {
			p.addStrip(b, first, j, least)
		}
	}
	for i := range p.m {
		p.finishRow(p.c[i*p.ldc:][:p.n], i)
	}
}

// addStrip adds the terms from first on to all rows of the columns from j on.
func (p *product) addStrip(b strip, first, j int, least float64) {
	columns := min(stripColumns, p.n-j)
	least *= b.widen(p.b[first*p.ldb+j:], p.ldb, columns)
	together := least >= fineFactors && columns >= stripColumns/4
	for i := range p.m {
		a, row := i*p.aRow+first*p.aStep, p.c[i*p.ldc+j:][:columns]
		if together {
			var sums [stripColumns]float32
			copy(sums[:], row)
			p.addEight(&sums, b, a)
			copy(row, sums[:])
			continue
		}
		for column, sum := range row {
			row[column] = p.addOne(sum, b, column, a)
		}
	}
}

// widen fills a strip from rows of float32 and returns the least of their magnitudes but zero.
func (b strip) widen(src []float32, ld, columns int) (least float64) {
	magnitude := uint32(math.MaxUint32)
	for k := range b {
		row := src[k*ld:][:columns]
		clear(b[k][len(row):])
		for column, x := range row {
			b[k][column] = float64(x)
			magnitude = min(magnitude, aboveZero(x))
		}
	}
	return magnitudeOf(magnitude)
}

// addEight adds to eight neighbours none of which is rounded to a denormal: the sums stay in registers, and do not wait
// for each other.
func (p *product) addEight(sums *[stripColumns]float32, b strip, a int) {
	c0, c1, c2, c3 := float64(sums[0]), float64(sums[1]), float64(sums[2]), float64(sums[3])
	c4, c5, c6, c7 := float64(sums[4]), float64(sums[5]), float64(sums[6]), float64(sums[7])
	for k := range b {
		x, b := float64(p.a[a]), &b[k]
		a += p.aStep
		if x == 0 && p.skip {
			continue
		}
		s0, s1, s2, s3 := x*b[0]+c0, x*b[1]+c1, x*b[2]+c2, x*b[3]+c3
		if min(belowTie(s0), belowTie(s1), belowTie(s2), belowTie(s3)) == tie {
			s0, s1, s2, s3 = sum64(x*b[0], c0), sum64(x*b[1], c1), sum64(x*b[2], c2), sum64(x*b[3], c3)
		}
		c0, c1, c2, c3 = float64(float32(s0)), float64(float32(s1)), float64(float32(s2)), float64(float32(s3))
		s4, s5, s6, s7 := x*b[4]+c4, x*b[5]+c5, x*b[6]+c6, x*b[7]+c7
		if min(belowTie(s4), belowTie(s5), belowTie(s6), belowTie(s7)) == tie {
			s4, s5, s6, s7 = sum64(x*b[4], c4), sum64(x*b[5], c5), sum64(x*b[6], c6), sum64(x*b[7], c7)
		}
		c4, c5, c6, c7 = float64(float32(s4)), float64(float32(s5)), float64(float32(s6)), float64(float32(s7))
	}
	*sums = [stripColumns]float32{float32(c0), float32(c1), float32(c2), float32(c3), float32(c4), float32(c5), float32(c6), float32(c7)}
}

// addOne adds to one number, which may be rounded to a denormal.
func (p *product) addOne(sum float32, b strip, column, a int) float32 {
	for k := range b {
		x := float64(p.a[a])
		a += p.aStep
		if x != 0 || !p.skip {
			sum = sum32(x*b[k][column], float64(sum))
		}
	}
	return sum
}

// leastMagnitude is the least of a matrix's magnitudes but zero, and infinite if there is none. Element (i, k) lies at
// i*row + k*step.
func leastMagnitude(x []float32, m, n, row, step int) float64 {
	magnitude := uint32(math.MaxUint32)
	for i := range m {
		for k := range n {
			magnitude = min(magnitude, aboveZero(x[i*row+k*step]))
		}
	}
	return magnitudeOf(magnitude)
}

// aboveZero orders magnitudes from the least denormal on; zero is the greatest.
func aboveZero(x float32) uint32 { return math.Float32bits(x)&^(1<<31) - 1 }

// magnitudeOf is the number that aboveZero placed; infinite for zero and NaN.
func magnitudeOf(place uint32) float64 {
	const infinity = 0xff << 23
	return float64(math.Float32frombits(min(place, infinity-1) + 1))
}

func (p *product) startRow(row []float32) {
	switch {
	case p.accumulate:
	case p.bias != nil:
		copy(row, p.bias)
	default:
		clear(row)
	}
}

func (p *product) finishRow(row []float32, i int) {
	if p.relu {
		reluPortable(row, row)
	}
	if p.mask != nil {
		reluMaskPortable(row, row, p.mask[i*p.ldm:])
	}
}
