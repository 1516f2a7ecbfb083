// Package serving is the champion inside a process that answers: loading and
// swapping packages, forecasts with their baseline and reasons, and the panel
// that forecasts every planned event at the grid horizons whether anyone asks
// or not.
//
// Every forecast that leaves the package was handed to the prediction log
// first, and names the package it was made with.
package serving
