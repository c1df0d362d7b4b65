package synthetic

// The values of the categorical columns, each with the names of the indices that
// other code refers to.

var genders = []string{"Male", "Female"}

const (
	male = iota
	female
)

var workclasses = []string{"Private", "Self-emp-not-inc", "Local-gov", "State-gov", "Self-emp-inc",
	"Federal-gov", "Without-pay", "Never-worked", "?"}

const (
	selfEmployed        = 1
	selfEmployedCompany = 4
)

// educations are in the order of education_num, which is the index plus 1.
var educations = []string{"Preschool", "1st-4th", "5th-6th", "7th-8th", "9th", "10th", "11th", "12th", "HS-grad",
	"Some-college", "Assoc-voc", "Assoc-acdm", "Bachelors", "Masters", "Prof-school", "Doctorate"}

var maritalStatuses = []string{"Married-civ-spouse", "Never-married", "Divorced", "Separated", "Widowed",
	"Married-spouse-absent", "Married-AF-spouse"}

const (
	marriedCivil  = 0
	neverMarried  = 1
	marriedForces = 6
)

var occupations = []string{"Prof-specialty", "Craft-repair", "Exec-managerial", "Adm-clerical", "Sales",
	"Other-service", "Machine-op-inspct", "?", "Transport-moving", "Handlers-cleaners", "Farming-fishing",
	"Tech-support", "Protective-serv", "Priv-house-serv", "Armed-Forces"}

const occupationUnknown = 7

var relationships = []string{"Husband", "Not-in-family", "Own-child", "Unmarried", "Wife", "Other-relative"}

const (
	husband       = 0
	ownChild      = 2
	wife          = 4
	otherRelative = 5
)

var races = []string{"White", "Black", "Asian-Pac-Islander", "Amer-Indian-Eskimo", "Other"}

var countries = []string{"United-States", "Mexico", "?", "Philippines", "Germany", "Puerto-Rico", "Canada",
	"El-Salvador", "India", "Cuba", "England", "China", "South", "Jamaica", "Italy", "Dominican-Republic", "Japan",
	"Guatemala", "Poland", "Vietnam", "Columbia", "Haiti", "Portugal", "Taiwan", "Iran", "Greece", "Nicaragua", "Peru",
	"Ecuador", "France", "Ireland", "Thailand", "Hong", "Cambodia", "Trinadad&Tobago", "Laos", "Yugoslavia",
	"Outlying-US(Guam-USVI-etc)", "Scotland", "Honduras", "Hungary", "Holand-Netherlands"}

var labels = []string{"<=50K", ">50K"}

// The distributions, in weights per thousand, are those of the original data set,
// rounded. Their indices are those of the names above unless they say otherwise.

var genderDistribution = weights(668, 332)

// ageDistribution is over spans of five years that begin at 15: the first holds 17
// to 19, see drawAge.
var ageDistribution = weights(51, 119, 124, 132, 134, 120, 103, 80, 60, 39, 20, 12, 6, 3, 2)

// educationDistribution: before the age of 22, and from then on.
var educationDistribution = [2]distribution{
	weights(2, 1, 6, 8, 19, 68, 139, 48, 287, 397, 12, 11, 3, 0, 0, 0),
	weights(2, 5, 11, 21, 15, 24, 26, 10, 327, 204, 45, 35, 181, 60, 19, 13),
}

// maritalDistribution by gender and age: to 21, 29, 39, 54, and older.
var maritalDistribution = [2][5]distribution{
	male: {
		weights(45, 945, 3, 3, 1, 3, 0), weights(339, 599, 36, 17, 1, 7, 1), weights(656, 214, 92, 25, 1, 11, 0),
		weights(766, 78, 118, 19, 6, 13, 0), weights(817, 43, 75, 13, 42, 10, 0),
	},
	female: {
		weights(23, 951, 10, 7, 0, 7, 1), weights(123, 721, 94, 40, 3, 18, 2), weights(212, 371, 299, 78, 18, 21, 3),
		weights(203, 174, 433, 89, 77, 23, 0), weights(139, 95, 307, 44, 394, 20, 1),
	},
}

// relationshipDistribution of the unmarried by gender: the never married below 30,
// those above, and those who were married before.
var relationshipDistribution = [2][3]distribution{
	male:   {weights(0, 347, 539, 44, 0, 70), weights(0, 687, 198, 66, 0, 49), weights(0, 690, 90, 190, 0, 30)},
	female: {weights(0, 336, 534, 80, 0, 50), weights(0, 589, 158, 206, 0, 48), weights(0, 450, 50, 465, 0, 35)},
}

var raceDistribution = weights(855, 96, 31, 10, 8)

var countryDistribution = [5]distribution{
	weights(922, 21, 14, 0, 5, 3, 4, 3, 0, 3, 3, 0, 0, 0, 3, 2, 1, 2, 2, 0, 2, 0, 2, 0, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 1, 0, 1, 1, 1, 1),
	weights(911, 1, 28, 0, 2, 3, 0, 0, 0, 1, 2, 0, 0, 21, 0, 4, 1, 0, 0, 0, 0, 15, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 2, 0, 1),
	weights(282, 1, 84, 184, 3, 1, 1, 0, 82, 0, 1, 78, 72, 0, 0, 1, 35, 1, 1, 55, 0, 1, 1, 40, 6, 1, 1, 0, 0, 1, 1, 16, 16, 16, 3, 15, 0, 2),
	weights(962, 23, 0, 2, 2, 2, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2),
	weights(466, 155, 59, 0, 2, 74, 5, 20, 22, 7, 2, 0, 2, 7, 0, 52, 7, 20, 0, 0, 22, 0, 2, 2, 15, 0, 10, 10, 30, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2),
}

// occupationDistribution by gender and schooling: none finished, high school,
// college begun or associate, bachelor, above.
var occupationDistribution = [2][5]distribution{
	male: {
		weights(11, 221, 29, 23, 51, 135, 113, 85, 113, 116, 89, 3, 11, 2, 0),
		weights(19, 258, 76, 56, 89, 78, 106, 41, 108, 75, 51, 15, 27, 0, 0),
		weights(66, 190, 128, 80, 132, 71, 55, 55, 52, 47, 36, 46, 42, 0, 1),
		weights(248, 56, 275, 63, 180, 25, 14, 27, 16, 13, 19, 41, 22, 0, 0),
		weights(572, 14, 243, 24, 67, 7, 3, 27, 6, 2, 7, 20, 7, 0, 1),
	},
	female: {
		weights(18, 24, 24, 83, 156, 326, 121, 133, 11, 29, 13, 8, 8, 48, 0),
		weights(28, 31, 75, 284, 124, 216, 78, 74, 14, 27, 5, 21, 6, 17, 0),
		weights(90, 17, 110, 305, 124, 145, 26, 91, 6, 9, 6, 55, 9, 6, 0),
		weights(347, 8, 202, 168, 109, 49, 8, 41, 2, 3, 3, 47, 10, 4, 0),
		weights(649, 4, 188, 47, 41, 22, 4, 26, 0, 0, 1, 17, 1, 2, 0),
	},
}

// workclassDistribution by occupation.
var workclassDistribution = [15]distribution{
	weights(552, 93, 172, 102, 40, 41),
	weights(777, 131, 35, 15, 27, 15),
	weights(657, 96, 54, 47, 101, 44),
	weights(750, 12, 75, 67, 8, 87, 1),
	weights(807, 107, 3, 4, 76, 3),
	weights(824, 56, 61, 39, 9, 11),
	weights(954, 20, 8, 6, 6, 6, 1),
	occupationUnknown: weights(0, 0, 0, 0, 0, 0, 0, 4, 996),
	weights(798, 78, 66, 25, 16, 16),
	weights(928, 10, 31, 9, 3, 17, 1),
	weights(450, 438, 29, 17, 55, 6, 5),
	weights(798, 29, 40, 60, 6, 66),
	weights(304, 7, 458, 178, 5, 48),
	weights(1000),
	weights(0, 0, 0, 0, 0, 1000),
}

// Hours a week: one of the usual figures, or else anything from 1 to 99. The
// groups are men, women, and those below 22 or from 60 on.
var (
	usualHours        = []int{40, 50, 45, 60, 35, 20, 30, 55, 25, 48, 38, 15, 70, 10, 32, 65, 24, 42, 36, 44}
	hoursDistribution = [3]distribution{
		weights(492, 119, 72, 63, 26, 14, 20, 30, 9, 20, 10, 3, 12, 3, 4, 11, 3, 8, 4, 8, 60),
		weights(506, 52, 43, 23, 59, 38, 41, 13, 22, 11, 28, 13, 5, 7, 16, 4, 9, 6, 14, 5, 60),
		weights(310, 30, 20, 15, 56, 120, 75, 6, 57, 8, 10, 42, 4, 32, 12, 3, 19, 3, 7, 3, 120),
	}
)

// Capital gains and losses are mostly 0; the rest repeats a few figures, as tax
// forms do. Chances are per thousand by schooling, as for the occupations.
var (
	gainChance       = [5]int{47, 65, 70, 116, 183}
	gains            = []int{15024, 7688, 7298, 99999, 3103, 5178, 5013, 4386, 8614, 3325, 2174, 10520, 4650, 27828, 4064, 594, 3137, 14084, 20051, 6849, 13550, 2829, 3908, 1055, 4787, 14344, 3411, 3464, 2176, 2597, 9386, 2885, 4101, 2202, 2407}
	gainDistribution = weights(127, 102, 90, 60, 38, 36, 29, 27, 20, 20, 18, 16, 16, 14, 13, 13, 13, 12, 12, 10, 10, 10, 10, 9, 9, 8, 8, 8, 8, 8, 8, 7, 7, 7, 6)
	lossChance       = [5]int{27, 37, 41, 66, 94}
	losses           = []int{1902, 1977, 1887, 2415, 1485, 1848, 1590, 1602, 1876, 1740, 1672, 1741, 1564, 2258, 1719, 1980, 1408, 1669, 2001, 2002, 1579, 2051, 1721, 1974, 2339, 1504, 2377, 1628, 625, 2559}
	lossDistribution = weights(133, 111, 102, 32, 31, 29, 27, 27, 26, 25, 22, 19, 19, 17, 17, 16, 15, 15, 15, 14, 13, 13, 12, 12, 12, 11, 11, 11, 7, 7)
)
