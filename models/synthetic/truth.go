package synthetic

import "math/bits"

// The terms of the logit; doc.go lists them. Products are converted explicitly,
// which keeps compilers from fusing them with the sum: labels are to be the same
// on every machine.

const intercept = -4.6

var workclassEffect = [9]float64{0, -0.5, -0.1, -0.2, 0.5, 0.6, -2, -2, 0}

// occupationEffect has, for each occupation, its constant, its return on a year of
// education beyond the ninth, and the age of the highest income.
var occupationEffect = [15]struct{ constant, perYear, peak float64 }{
	{0.3, 0.42, 54},  // Prof-specialty
	{0.3, 0.16, 48},  // Craft-repair
	{1.0, 0.38, 56},  // Exec-managerial
	{0.1, 0.22, 50},  // Adm-clerical
	{0.4, 0.40, 50},  // Sales
	{-1.0, 0.18, 46}, // Other-service
	{-0.3, 0.12, 46}, // Machine-op-inspct
	{-0.8, 0.26, 48}, // ?
	{-0.1, 0.12, 48}, // Transport-moving
	{-0.9, 0.08, 42}, // Handlers-cleaners
	{-1.3, 0.26, 52}, // Farming-fishing
	{0.7, 0.28, 48},  // Tech-support
	{0.6, 0.28, 44},  // Protective-serv
	{-2.0, 0.10, 46}, // Priv-house-serv
	{0.0, 0.30, 42},  // Armed-Forces
}

// pairEffect is what pairs of education and occupation earn beyond their parts,
// by [education_num - 1][occupation].
var pairEffect = func() (effect [16][15]float64) {
	effect[14][0] = 1.0  // Prof-school, Prof-specialty: physicians and lawyers
	effect[15][0] = 0.5  // Doctorate, Prof-specialty
	effect[13][2] = 0.5  // Masters, Exec-managerial
	effect[12][3] = -0.5 // Bachelors, Adm-clerical
	effect[13][0] = -0.4 // Masters, Prof-specialty: teachers
	effect[8][1] = 0.4   // HS-grad, Craft-repair
	effect[10][1] = 0.5  // Assoc-voc, Craft-repair
	effect[9][4] = -0.3  // Some-college, Sales
	effect[10][11] = 0.5 // Assoc-voc, Tech-support
	effect[9][12] = 0.5  // Some-college, Protective-serv
	return effect
}()

var maritalEffect = [7]float64{2.6, -0.8, -0.1, -0.3, -0.1, -0.2, 2.6}

var relationshipEffect = [6]float64{0, 0.1, -1.1, -0.3, 0.9, -0.7}

var genderEffect = [2]float64{0.3, -0.3}

// countryEffect names the countries that differ from the rest.
var countryEffect = func() []float64 {
	effect := make([]float64, len(countries))
	for i, country := range countries {
		switch country {
		case "Mexico", "El-Salvador", "Guatemala", "Dominican-Republic", "Columbia", "Vietnam", "Laos", "Nicaragua":
			effect[i] = -0.7
		case "Canada", "England", "Japan", "India", "Taiwan", "France", "Iran", "Italy", "Cuba":
			effect[i] = 0.4
		}
	}
	return effect
}()

// logit returns the log odds that p earns more than 50,000 a year.
func (p *person) logit() float64 {
	occupation := &occupationEffect[p.occupation]
	z := intercept + occupation.constant
	z += workclassEffect[p.workclass] + maritalEffect[p.marital] + relationshipEffect[p.relationship]
	z += genderEffect[p.gender] + countryEffect[p.country]
	z += float64(occupation.perYear * float64(p.educationNum-9))
	z += pairEffect[p.education][p.occupation]
	z += ageEffect(p.age, occupation.peak) + p.hoursEffect()
	z += gainEffect(p.capitalGain)
	return z + float64(0.0008*float64(p.capitalLoss))
}

// ageEffect is 1.2 at the peak and 0 at 18 years from it.
func ageEffect(age int, peak float64) float64 {
	distance := float64(age) - peak
	return max(1.2-float64(0.0036*distance*distance), -4)
}

// hoursEffect is 0 at 40 hours a week.
func (p *person) hoursEffect() float64 {
	perHour := 0.05
	if p.workclass == selfEmployed || p.workclass == selfEmployedCompany {
		perHour /= 2
	}
	return float64(perHour * float64(min(p.hours, 60)-40))
}

// gainEffect is 0 without a gain and rises by 1.1 for every doubling of one: from
// -1.1 at 500 to 6 at 50,000.
func gainEffect(gain int) float64 {
	if gain == 0 {
		return 0
	}
	return float64(1.1 * (log2(gain) - 10.4))
}

// log2 is exact at the powers of two and linear between them: at most 0.09 below
// the logarithm, and without its rounding, which differs between machines.
func log2(x int) float64 {
	exponent := bits.Len(uint(x)) - 1
	return float64(exponent) + float64(x-1<<exponent)/float64(int(1)<<exponent)
}
