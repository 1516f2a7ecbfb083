// Package timetables speaks the wire format of Deutsche Bahn's Timetables API
// (/timetables/v1): it parses documents into the domain, writes them, serves
// them from any [Source], and fetches them from any server of that API.
//
// Documents never fail as a whole: [Parse] keeps what it could read and lists
// the rest as [Quarantined]. Recordings on disk are in the archive subpackage.
//
// Source of the format: the published schema of the Timetables API, and
// recorded answers of it.
package timetables
