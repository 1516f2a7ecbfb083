// Package railsim is a simulated railway: a small invented country with a
// clock-face timetable, whose trains are delayed, cancelled and forecast, and
// which answers the calls of the Timetables API as they would have been
// answered at any moment.
//
// Everything is a function of the seed and the service day. A whole day is
// computed at a time, from keyed random numbers that depend on no order of
// calls, and kept in a bounded cache. What happened stays inside the package:
// callers see only documents of the API.
//
// docs/simulator.md says what is modelled and what is not.
package railsim
