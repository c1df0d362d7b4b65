package kernel

import (
	"math"
	"unsafe"
)

// portable is the implementation in Go: the reference for the others and the kernel of all other processors.
var portable = implementation{
	name:                "portable",
	multiply:            multiplyPortable,
	transpose:           transposePortable,
	add:                 addPortable,
	mul:                 mulPortable,
	scale:               scalePortable,
	axpy:                axpyPortable,
	relu:                reluPortable,
	reluMask:            reluMaskPortable,
	sumRows:             sumRowsPortable,
	largest:             largestPortable,
	gatherColumns:       gatherColumnsPortable,
	scatterAdd:          scatterAddPortable,
	exp:                 mapPortable(exp),
	log:                 mapPortable(log),
	log1p:               mapPortable(log1p),
	sigmoid:             mapPortable(sigmoid),
	tanh:                mapPortable(tanh),
	sigmoidCrossEntropy: sigmoidCrossEntropyPortable,
	sgd:                 sgdPortable,
	momentum:            momentumPortable,
	adam:                adamPortable,
	adagrad:             adagradPortable,
	ftrl:                ftrlPortable,
	sumSquares:          sumSquaresPortable,
	fixedCheck:          fixedCheckPortable,
	fixedAdd:            fixedAddPortable,
	fixedSum:            fixedSumPortable,
	fixedMean:           fixedMeanPortable,
}

func mapPortable(f func(float32) float32) func(dst, src []float32) {
	return func(dst, src []float32) {
		for i, x := range src {
			dst[i] = f(x)
		}
	}
}

func multiplyPortable(p product) {
	for i := 0; i < p.m; i++ {
		row := p.c[i*p.ldc:][:p.n]
		p.startRow(row)
		j := 0
		for ; j+4 <= p.n; j += 4 {
			p.addFour((*[4]float32)(row[j:]), i, j)
		}
		for ; j < p.n; j++ {
			p.addOne(&row[j], i, j)
		}
		p.finishRow(row, i)
	}
}

// addFour adds to four neighbours in row i: four sums at a time stay in registers, and do not wait for each other.
func (p *product) addFour(sums *[4]float32, i, j int) {
	c0, c1, c2, c3 := float64(sums[0]), float64(sums[1]), float64(sums[2]), float64(sums[3])
	a := i * p.aRow
	for range p.k {
		x, b := float64(p.a[a]), (*[4]float32)(p.b[j:])
		a += p.aStep
		j += p.ldb
		if x == 0 && p.skip {
			continue
		}
		p0, p1, p2, p3 := x*float64(b[0]), x*float64(b[1]), x*float64(b[2]), x*float64(b[3])
		s0, s1, s2, s3 := p0+c0, p1+c1, p2+c2, p3+c3
		if doubtful(s0)|doubtful(s1)|doubtful(s2)|doubtful(s3) < 0 {
			s0, s1, s2, s3 = float64(sum32(p0, c0)), float64(sum32(p1, c1)), float64(sum32(p2, c2)), float64(sum32(p3, c3))
		}
		c0, c1, c2, c3 = float64(float32(s0)), float64(float32(s1)), float64(float32(s2)), float64(float32(s3))
	}
	*sums = [4]float32{float32(c0), float32(c1), float32(c2), float32(c3)}
}

func (p *product) addOne(sum *float32, i, j int) {
	for k := range p.k {
		if x := p.a[i*p.aRow+k*p.aStep]; x != 0 || !p.skip {
			*sum = fma(x, p.b[j+k*p.ldb], *sum)
		}
	}
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

func transposePortable(dst []float32, ldd int, src []float32, lds, m, n int) {
	for i := 0; i < m; i++ {
		for j, x := range src[i*lds:][:n] {
			dst[j*ldd+i] = x
		}
	}
}

func addPortable(dst, a, b []float32) {
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

func mulPortable(dst, a, b []float32) {
	for i := range dst {
		dst[i] = a[i] * b[i]
	}
}

func scalePortable(dst, a []float32, s float32) {
	for i := range dst {
		dst[i] = a[i] * s
	}
}

func axpyPortable(dst, a []float32, s float32) {
	for i := range dst {
		dst[i] += float32(a[i] * s)
	}
}

func reluPortable(dst, src []float32) {
	for i := range dst {
		dst[i] = rectify(src[i])
	}
}

func rectify(x float32) float32 {
	if x < 0 {
		return 0
	}
	return x
}

func reluMaskPortable(dst, dy, y []float32) {
	for i := range dst {
		x := dy[i]
		if y[i] <= 0 {
			x = 0
		}
		dst[i] = x
	}
}

func sumRowsPortable(dst []float32, rows []*float32) {
	copy(dst, unsafe.Slice(rows[0], len(dst)))
	for _, row := range rows[1:] {
		addPortable(dst, dst, unsafe.Slice(row, len(dst)))
	}
}

func largestPortable(dst []uint32, src []float32, lds, m int) {
	clear(dst)
	for i := range m {
		for j, x := range src[i*lds:][:len(dst)] {
			dst[j] = max(dst[j], math.Float32bits(x)&^(1<<31))
		}
	}
}

func gatherColumnsPortable(dst []float32, ldd int, src []float32, lds, m int, columns []int32) {
	for i := range m {
		to, from := dst[i*ldd:][:len(columns)], src[i*lds:]
		for j, column := range columns {
			to[j] = from[column]
		}
	}
}

func scatterAddPortable(table []float32, n int, ids []int32, stride int, src []float32, lds, m int) {
	for i := 0; i < m; i++ {
		row := table[int(ids[i*stride])*n:][:n]
		addPortable(row, row, src[i*lds:][:n])
	}
}
