package schemas

import (
	"encoding/json"
	"time"
)

// ImportInput asks for the history in a directory or a file.
type ImportInput struct {
	// Directory holds recordings YYYY-MM-DD.tar.zst, releases *.parquet or, with
	// a mapping, *.csv, itself or in folders, on the disk of the collect workers.
	// Defaults to the configured recordings.
	Directory string `json:"directory,omitempty"`
	// File is one of them, instead of a directory.
	File  string `json:"file,omitempty"`
	Group string `json:"group,omitempty"`
	// Until leaves out what was polled at or after it. Zero means everything.
	Until time.Time `json:"until,omitzero"`
	// Mapping says how CSV files are to be read, see docs/data-sources.md.
	Mapping json.RawMessage `json:"mapping,omitempty"`
	// Provenance of the files. What is not stated is taken from the kind of the
	// file; source and licence of a CSV file have to be stated.
	Provenance Provenance `json:"provenance,omitzero"`
	// WindowRows bounds the rows one activity imports of a release or a CSV file.
	// Defaults to 500,000, of a raw release to 20,000.
	WindowRows int64 `json:"window_rows,omitempty"`
	// Resume is set by a run that goes on as a new one.
	Resume *ImportResume `json:"resume,omitempty"`
}

// ImportResume is how far the runs before this one came.
type ImportResume struct {
	Done   ImportResult  `json:"done"`             // of the files before File
	File   string        `json:"file"`             // to begin with; those listed before it are done
	Cursor *ImportCursor `json:"cursor,omitempty"` // in File
	Since  time.Time     `json:"since"`            // start of the first run
}

// ImportPlan lists the files, oldest first.
type ImportPlan struct {
	Group    string   `json:"group"`
	Archives []string `json:"archives"` // paths
	// SizesBytes are the sizes of Archives.
	SizesBytes []int64   `json:"sizes_bytes,omitempty"`
	Until      time.Time `json:"until,omitzero"`
	Note       string    `json:"note,omitempty"`
}

// ImportArchiveInput is one activity: a window of one file.
type ImportArchiveInput struct {
	Group      string          `json:"group"`
	Path       string          `json:"path"`
	Until      time.Time       `json:"until,omitzero"`
	Mapping    json.RawMessage `json:"mapping,omitempty"`
	Provenance Provenance      `json:"provenance,omitzero"`
	WindowRows int64           `json:"window_rows,omitempty"`
	// From is where the window before ended; nil begins the file.
	From *ImportCursor `json:"from,omitempty"`
}

// ImportCursor is how far the import of one file is, with the sums so far.
type ImportCursor struct {
	SHA256 string    `json:"sha256"` // of the file
	Until  time.Time `json:"until,omitzero"`
	Object string    `json:"object,omitempty"` // that holds the file

	// Where the rows begin that are not in yet.
	RowGroup    int   `json:"row_group,omitempty"` // Parquet
	Row         int64 `json:"row"`
	OffsetBytes int64 `json:"offset_bytes,omitempty"` // CSV
	Line        int64 `json:"line,omitempty"`         // CSV
	// LastPoll is the time of the last call before Row in a raw release.
	LastPoll time.Time `json:"last_poll,omitzero"`

	// Surveyed says that Fills is known: whether a release writes the planned
	// time where no change was seen.
	Surveyed bool `json:"surveyed,omitempty"`
	Fills    bool `json:"fills,omitempty"`

	Counts    CollectCounts `json:"counts"`
	Bytes     int64         `json:"bytes"` // of the file, about
	Equal     int           `json:"equal,omitempty"`
	Unplanned int           `json:"unplanned,omitempty"`
	Foreign   int           `json:"foreign,omitempty"`
	Zoneless  int           `json:"zoneless,omitempty"`
	Repeated  int           `json:"repeated,omitempty"`
	Through   time.Time     `json:"through,omitzero"`
	FirstDay  string        `json:"first_day,omitempty"`
	LastDay   string        `json:"last_day,omitempty"`
}

// ImportProgress is what a heartbeat of an import says, and where an attempt
// that was lost is taken up again.
type ImportProgress struct {
	Message string `json:"message"`
	File    string `json:"file"`
	// Rows done of RowsTotal, 0 where the file does not tell; Bytes of SizeBytes.
	Rows      int64        `json:"rows"`
	RowsTotal int64        `json:"rows_total,omitempty"`
	Bytes     int64        `json:"bytes"`
	SizeBytes int64        `json:"size_bytes"`
	Cursor    ImportCursor `json:"cursor"`
}

// ImportFileResult is how far a file is after a window: sums are those of the
// file, not of the window.
type ImportFileResult struct {
	Through time.Time     `json:"through"`
	Counts  CollectCounts `json:"counts"`
	Rows    int64         `json:"rows"` // rows, or responses of an archive
	Bytes   int64         `json:"bytes"`
	Note    string        `json:"note,omitempty"`
	// Next begins the next window; nil ends the file.
	Next *ImportCursor `json:"next,omitempty"`
}

// ImportResult sums what was imported.
type ImportResult struct {
	Group    string        `json:"group"`
	Archives int           `json:"archives"` // files, of any kind
	Through  time.Time     `json:"through"`
	Rows     int64         `json:"rows"`
	Bytes    int64         `json:"bytes"` // of the files
	Counts   CollectCounts `json:"counts"`
	Note     string        `json:"note,omitempty"`
	// MoreNotes counts the files whose notes found no room in Note.
	MoreNotes int `json:"more_notes,omitempty"`
	// Refused says of each file that could not be read to its end why.
	Refused []string `json:"refused,omitempty"`
}

// Add sums the files of a result and one more.
func (r *ImportResult) Add(f ImportFileResult) {
	r.Counts.Add(f.Counts)
	r.Rows += f.Rows
	r.Bytes += f.Bytes
	if f.Through.After(r.Through) {
		r.Through = f.Through
	}
	switch {
	case f.Note == "":
	case r.Note == "":
		r.Note = f.Note
	case len(r.Note)+len(f.Note) > maxNoteBytes:
		r.MoreNotes++
	default:
		r.Note += "; " + f.Note
	}
}

// maxNoteBytes bounds the notes of a result.
const maxNoteBytes = 8 << 10
