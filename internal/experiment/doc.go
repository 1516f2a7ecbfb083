// Package experiment reads recorded runs as people look at them: a list, the
// record of one, several side by side, and drawings of how they learned, how
// good their probabilities are and what they go by. Commands and pages show the
// same.
package experiment
