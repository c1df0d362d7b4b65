package kernel

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
	gatherAdd:           gatherAddPortable,
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
		for k := 0; k < p.k; k++ {
			x := float64(p.a[i*p.aRow+k*p.aStep])
			b := p.b[k*p.ldb:][:len(row)]
			for j, c := range row {
				row[j] = sum32(x*float64(b[j]), float64(c))
			}
		}
		p.finishRow(row, i)
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

func gatherAddPortable(dst []float32, ldd int, table []float32, n int, ids []int32, stride, m int) {
	for i := 0; i < m; i++ {
		row := dst[i*ldd:][:n]
		addPortable(row, row, table[int(ids[i*stride])*n:][:n])
	}
}

func scatterAddPortable(table []float32, n int, ids []int32, stride int, src []float32, lds, m int) {
	for i := 0; i < m; i++ {
		row := table[int(ids[i*stride])*n:][:n]
		addPortable(row, row, src[i*lds:][:n])
	}
}
