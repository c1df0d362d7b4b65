package metrics

import "math"

// Buckets is the number of intervals that Bucket divides the logits into.
const Buckets = 1 << bucketBits

// Sign, exponent and three bits of the fraction: logits of trained models, which
// lie between 2^-3 and 2^3 for the most part, spread over about a hundred buckets.
const bucketBits = 12

// Bucket returns the interval, in [0, Buckets), of a finite logit. It rises with
// the logit, so the areas of the buckets, appended in order, give the AUC.
func Bucket(logit float32) int { return keyBucket(logitKey(logit)) }

// BucketStart is the lowest logit of a bucket.
func BucketStart(bucket int) float32 {
	return max(keyLogit(uint32(bucket)<<(32-bucketBits)), -math.MaxFloat32)
}

func keyBucket(key uint32) int { return int(key >> (32 - bucketBits)) }

// Part is the share of a curve that one bucket holds.
type Part struct {
	Bucket int
	Curve  *Curve
}

// Split divides the curve by bucket, in ascending order and without the empty
// ones. The parts share c's memory: they are to be read or merged from only.
func (c *Curve) Split() ([]Part, error) {
	if err := c.compact(); err != nil {
		return nil, err
	}
	var parts []Part
	for start := 0; start < len(c.points); {
		bucket, end := keyBucket(c.points[start].key), start+1
		for end < len(c.points) && keyBucket(c.points[end].key) == bucket {
			end++
		}
		share := c.points[start:end:end]
		parts = append(parts, Part{bucket, &Curve{points: share, sorted: len(share)}})
		start = end
	}
	return parts, nil
}
