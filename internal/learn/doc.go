// Package learn fits what forecasts are made with: the baselines every model
// has to beat, logistic regression, and boosted trees, all behind one
// interface, with rounds and calibration chosen by forward chaining inside the
// training days.
//
// A data set is read in batches, several times, and never held whole. Errors
// of reading it and of keeping checkpoints wrap what the Source and the
// Checkpoints answered, marked as [*StorageError]: trying again may help. All
// other errors say what is wrong with the data or the settings.
package learn
