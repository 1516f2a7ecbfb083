// Package transfer says how likely a change of trains is caught, from the
// forecasts of the arrival and of the departure, and how the delays of the two
// hang together. Delays are whole minutes; all of it holds given that both run.
package transfer
