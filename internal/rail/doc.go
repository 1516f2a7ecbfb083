// Package rail is the domain: stations, planned events, observed changes,
// service days, delays and what "on time" means. It is pure: no clock, no
// input or output, no other package of ours.
//
// Sources: docs/domain.md of this project, and the published schema of the
// Timetables API.
package rail
