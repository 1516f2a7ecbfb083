// Package feature turns what was known about an event at a cut-off into the
// numbers a model reads.
//
// State holds plans and observed changes in memory. State.At answers what was
// known at a cut-off; training (which fills a State with a whole day) and
// serving (which tails the observations) call that same method. Every look-up
// in it goes through one function that sees only what had been polled by then,
// so nothing later can reach a feature, however full the State is.
//
// Knowledge carries integers, times and strings. Catalogue names the features,
// and Vector alone computes the floats. Missing is NaN, never 0.
//
// Two ranges bound what a look-up reaches, so that a day filled from the
// warehouse equals a day that was tailed: PlanReach and ChangeReach.
package feature
