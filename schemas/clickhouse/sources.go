package clickhouse

import "time"

// Source is where one imported file came from.
type Source struct {
	Source    string // of the rows in the store
	SHA256    string // of the file, hex
	File      string
	SizeBytes uint64
	ObjectKey string // empty where the file itself is not kept

	Name         string // of the source, as it was given
	Publisher    string
	URL          string
	RetrievedAt  time.Time // zero = not known
	Licence      string
	Terms        string
	Attribution  string
	PersonalData bool

	// FirstDay and LastDay are German calendar days, 2006-01-02, empty while not known.
	FirstDay, LastDay string
	Rows              uint64
	ImportedAt        time.Time // domain time
	Version           uint64    // a higher version supersedes
}
