package kernel

// Sums that leave terms out go by words: a bit tells whether the sum has the term.

const (
	wordTerms = 64   // of a word
	wordsSize = 4096 // words that there is memory for
)

// wordsFor is how many words a sum with so many terms has.
func wordsFor(terms int) int { return (terms + wordTerms - 1) / wordTerms }
