// Package learn fits what forecasts are made with: the baselines every model
// has to beat, and boosted trees whose rounds and calibration are chosen by
// forward chaining inside the training days.
package learn
