package transforms

import (
	"encoding/json"
	"reflect"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"

	"github.com/penstock-ml/penstock/models/metrics"
)

func init() {
	beam.RegisterCoder(reflect.TypeFor[EvaluationPart](), encodePart, decodePart)
	beam.RegisterCoder(reflect.TypeFor[*metrics.Figures](), encodeFigures, decodeFigures)
	beam.RegisterCoder(reflect.TypeFor[*metrics.Curve](), encodeCurve, decodeCurve)
	beam.RegisterCoder(reflect.TypeFor[PartFigures](), encodePartFigures, decodePartFigures)
	beam.RegisterCoder(reflect.TypeFor[PartArea](), encodeArea, decodeArea)
	beam.RegisterCoder(reflect.TypeFor[PartPrecision](), encodePrecision, decodePrecision)
}

func encodeFigures(f *metrics.Figures) ([]byte, error) { return f.MarshalBinary() }
func decodeFigures(data []byte) (*metrics.Figures, error) {
	f := &metrics.Figures{}
	return f, f.UnmarshalBinary(data)
}

func encodeCurve(c *metrics.Curve) ([]byte, error) { return c.MarshalBinary() }
func decodeCurve(data []byte) (*metrics.Curve, error) {
	c := &metrics.Curve{}
	return c, c.UnmarshalBinary(data)
}

// Instances of one generic function would have the same name among a worker's functions, so there is one for each type.
func encodePart(p EvaluationPart) ([]byte, error) { return json.Marshal(p) }
func decodePart(data []byte) (p EvaluationPart, err error) {
	err = json.Unmarshal(data, &p)
	return p, err
}

// encodedFigures are PartFigures as JSON.
type encodedFigures struct {
	Part    EvaluationPart `json:"part"`
	Figures []byte         `json:"figures"`
}

func encodePartFigures(p PartFigures) ([]byte, error) {
	data, err := p.Figures.MarshalBinary()
	if err != nil {
		return nil, err
	}
	return json.Marshal(encodedFigures{p.Part, data})
}

func decodePartFigures(data []byte) (PartFigures, error) {
	var e encodedFigures
	if err := json.Unmarshal(data, &e); err != nil {
		return PartFigures{}, err
	}
	f, err := decodeFigures(e.Figures)
	return PartFigures{e.Part, f}, err
}

func encodeArea(a PartArea) ([]byte, error) { return json.Marshal(a) }
func decodeArea(data []byte) (a PartArea, err error) {
	err = json.Unmarshal(data, &a)
	return a, err
}

func encodePrecision(p PartPrecision) ([]byte, error) { return json.Marshal(p) }
func decodePrecision(data []byte) (p PartPrecision, err error) {
	err = json.Unmarshal(data, &p)
	return p, err
}
