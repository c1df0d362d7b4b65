package models

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/rand/v2"
)

// A Distribution names the random numbers that a parameter starts from.
type Distribution string

// The distributions of an Init.
const (
	DistributionZeros   Distribution = "zeros"
	DistributionUniform Distribution = "uniform" // over [-Scale, Scale)
	DistributionNormal  Distribution = "normal"  // mean 0, standard deviation Scale
)

// An Init says how a parameter is filled before training. The zero value
// fills with zeros.
type Init struct {
	Distribution Distribution
	Scale        float64
}

// Zeros starts a parameter at 0: biases and linear weights.
func Zeros() Init { return Init{Distribution: DistributionZeros} }

// Uniform draws from [-scale, scale).
func Uniform(scale float64) Init { return Init{DistributionUniform, scale} }

// Normal draws with mean 0 and the given standard deviation.
func Normal(deviation float64) Init { return Init{DistributionNormal, deviation} }

// GlorotUniform keeps the variance of signals and of gradients about equal
// through a linear or tanh layer of fanIn inputs and fanOut outputs (Glorot
// and Bengio, "Understanding the difficulty of training deep feedforward
// neural networks", 2010). The fans are the layer's, which may be spread over
// several parameters.
func GlorotUniform(fanIn, fanOut int) Init {
	return Uniform(math.Sqrt(6 / float64(fanIn+fanOut)))
}

// HeNormal keeps the variance of signals through a layer of rectified linear
// units with fanIn inputs (He et al., "Delving Deep into Rectifiers", 2015).
func HeNormal(fanIn int) Init { return Normal(math.Sqrt(2 / float64(fanIn))) }

// Fill overwrites dst with the initial values of the parameter of that name.
// They depend on the seed and the name alone, not on the other parameters,
// and have the same bits on every machine.
func (i Init) Fill(dst []float32, seed int64, name string) {
	switch i.Distribution {
	case DistributionUniform:
		i.fill(dst, source(seed, name), uniform)
	case DistributionNormal:
		i.fill(dst, source(seed, name), normal)
	default:
		clear(dst)
	}
}

func (i Init) fill(dst []float32, random *rand.PCG, draw func(*rand.PCG) float64) {
	for j := range dst {
		dst[j] = float32(i.Scale * draw(random))
	}
}

// source derives a stream of random numbers for one parameter.
func source(seed int64, name string) *rand.PCG {
	key := binary.LittleEndian.AppendUint64(nil, uint64(seed))
	sum := sha256.Sum256(append(key, name...))
	return rand.NewPCG(binary.LittleEndian.Uint64(sum[0:]), binary.LittleEndian.Uint64(sum[8:]))
}

// uniform draws a multiple of 2^-52 from [-1, 1).
func uniform(random *rand.PCG) float64 {
	return float64(int64(random.Uint64())>>11) * 0x1p-52
}

// normal draws from the sum of twelve uniform variables (Irwin-Hall), whose
// variance is 1 and whose values stay within six deviations. The sum is of
// integers, so no library's logarithm decides the bits.
func normal(random *rand.PCG) float64 {
	var sum int64
	for range 6 {
		bits := random.Uint64()
		sum += int64(bits>>32) + int64(bits&0xffffffff)
	}
	return float64(sum-6<<32) * 0x1p-32
}
