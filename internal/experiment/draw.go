package experiment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	schema "puenktlich/schemas/clickhouse"
)

// Drawing is one chart of some runs.
type Drawing struct {
	Name  string // of a file: learning-curves, reliability ...
	Title string
	// Caption says what the drawing does not say by itself; often empty.
	Caption string
	SVG     []byte   // nil where no run has what it needs
	Missing []string // sentences on runs that are left out, and why
}

// artist draws some runs in one language.
type artist struct {
	reader  Reader
	records []Record
	words   words
}

// Draw makes every drawing of the runs. What cannot be drawn says why.
func (r Reader) Draw(ctx context.Context, records []Record, l Language) []Drawing {
	a := artist{r, records, l.words()}
	drawings := a.learningCurves()
	drawings = append(drawings, a.probabilities(ctx)...)
	return append(drawings, a.skill(ctx), a.importance(ctx))
}

// label names a run in a legend.
func label(r Record) string { return strings.TrimSpace(r.Name + " " + r.ID[:min(6, len(r.ID))]) }

// read decodes an artefact of a run; the answer says why it could not be read,
// empty where it was.
func (a artist) read(ctx context.Context, r Record, name string, into any) (note string) {
	what := map[string]string{schema.ArtifactOutOfFold: a.words.outOfFold, schema.ArtifactLearned: a.words.learned, schema.ArtifactReport: a.words.evaluation}[name]
	at := slices.IndexFunc(r.Artifacts, func(x Artifact) bool { return x.Name == name })
	if at < 0 {
		return fmt.Sprintf(a.words.none, label(r), what)
	}
	key := r.Artifacts[at].Key
	body, _, err := a.reader.Objects.Get(ctx, key)
	switch {
	case errors.Is(err, a.reader.NotFound):
		return fmt.Sprintf(a.words.gone, what, r.ID, key)
	case err != nil && a.reader.Away(err):
		return fmt.Sprintf(a.words.away, what, label(r))
	case err == nil:
		err = json.Unmarshal(body, into)
	}
	if err != nil {
		return fmt.Sprintf(a.words.broken, what, label(r), err)
	}
	return ""
}
