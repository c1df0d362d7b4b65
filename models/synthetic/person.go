package synthetic

// person is one record; the categorical columns are indices of the tables.
type person struct {
	age, fnlwgt, educationNum, capitalGain, capitalLoss, hours int

	workclass, education, marital, occupation, relationship, race, gender, country int

	schooling int // see occupationDistribution
}

// draw draws the columns in an order in which each depends on earlier ones only.
func (p *person) draw(s *stream) {
	p.age = drawAge(s)
	p.gender = s.choose(genderDistribution)
	p.race = s.choose(raceDistribution)
	p.country = s.choose(countryDistribution[p.race])
	p.education = s.choose(educationDistribution[boolIndex(p.age >= 22)])
	p.educationNum = p.education + 1
	p.schooling = schooling(p.educationNum)
	p.marital = s.choose(maritalDistribution[p.gender][maritalAge(p.age)])
	p.relationship = p.drawRelationship(s)
	p.occupation = s.choose(occupationDistribution[p.gender][p.schooling])
	p.workclass = s.choose(workclassDistribution[p.occupation])
	p.hours = p.drawHours(s)
	p.capitalGain = drawCapital(s, gainChance[p.schooling], gains, gainDistribution)
	p.capitalLoss = 0
	if p.capitalGain == 0 { // nobody in the original has both
		p.capitalLoss = drawCapital(s, lossChance[p.schooling], losses, lossDistribution)
	}
	p.fnlwgt = drawWeight(s)
}

func boolIndex(b bool) int {
	if b {
		return 1
	}
	return 0
}

// drawAge returns 17 to 90, the top code of the original.
func drawAge(s *stream) int {
	span := s.choose(ageDistribution)
	if span == 0 {
		return 17 + s.below(3)
	}
	return min(15+5*span+s.below(5+boolIndex(span == len(ageDistribution)-1)), 90)
}

func maritalAge(age int) int {
	group := 0
	for _, next := range [...]int{22, 30, 40, 55} {
		group += boolIndex(age >= next)
	}
	return group
}

func schooling(educationNum int) int {
	level := 0
	for _, next := range [...]int{9, 10, 13, 14} {
		level += boolIndex(educationNum >= next)
	}
	return level
}

func (p *person) married() bool { return p.marital == marriedCivil || p.marital == marriedForces }

func (p *person) drawRelationship(s *stream) int {
	if p.married() {
		switch x := s.below(1000); {
		case x < 20:
			return otherRelative
		case x < 30:
			return ownChild
		case p.gender == male:
			return husband
		default:
			return wife
		}
	}
	group := 2
	if p.marital == neverMarried {
		group = boolIndex(p.age >= 30)
	}
	return s.choose(relationshipDistribution[p.gender][group])
}

func (p *person) drawHours(s *stream) int {
	group := p.gender
	if p.age < 22 || p.age >= 60 {
		group = 2
	}
	if i := s.choose(hoursDistribution[group]); i < len(usualHours) {
		return usualHours[i]
	}
	return 1 + s.below(99)
}

// drawCapital returns an amount with the given chance per thousand, else 0.
func drawCapital(s *stream, chance int, amounts []int, d distribution) int {
	if s.below(1000) >= chance {
		return 0
	}
	return amounts[s.choose(d)]
}

// drawWeight returns a fnlwgt: a sum of three uniform numbers with a long tail in
// one row of ten, for the original's mean of 190,000.
func drawWeight(s *stream) int {
	w := 12_285 + s.below(115_000) + s.below(115_000) + s.below(115_000)
	if s.below(10) == 0 {
		w += s.below(300_000)
	}
	return w
}
