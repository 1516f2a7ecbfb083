package rulebook

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"puenktlich/internal/policy"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Case is all that a verdict is decided from.
type Case struct {
	Book   policy.Book
	Nights []schemas.Signals // in order, the night judged last
	Taken  []policy.Taken
	// IDs of the stored verdicts that the earlier nights and the actions are of.
	nightIDs, takenIDs []string
}

// Decide judges the last night of a case. The verdict names the policy and all
// that was looked at, so that it can be decided again.
func (c Case) Decide() (schemas.Verdict, error) {
	v := policy.Decide(c.Nights, c.Book, c.Taken)
	_, ref, err := Canonical(c.Book)
	v.Policy, v.Nights, v.Taken = ref, c.nightIDs, c.takenIDs
	return v, err
}

// Gather puts a case together: tonight after the stored verdicts of earlier days
// that the policy looks at, and what verdicts led to.
func Gather(book policy.Book, tonight schemas.Signals, earlier, acted []schema.Verdict) (Case, error) {
	c := Case{Book: book}
	for _, row := range acted {
		if taken, is := action(row); is && row.DecidedAt.Before(tonight.AsOf) {
			c.Taken, c.takenIDs = append(c.Taken, taken), append(c.takenIDs, row.VerdictID)
		}
	}
	rows := slices.Clone(earlier)
	slices.SortStableFunc(rows, func(a, b schema.Verdict) int { return compare(a.Day, b.Day) })
	rows = rows[max(0, len(rows)-(book.Window()-1)):]
	for _, row := range rows {
		night, err := Night(row)
		if err != nil {
			return c, err
		}
		c.Nights, c.nightIDs = append(c.Nights, night), append(c.nightIDs, row.VerdictID)
	}
	c.Nights = append(c.Nights, tonight)
	return c, nil
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Night is the signals of a stored verdict.
func Night(row schema.Verdict) (schemas.Signals, error) {
	var s schemas.Signals
	if err := json.Unmarshal([]byte(row.Figures), &s); err != nil {
		return s, fmt.Errorf("figures of verdict %s on %s: %w", row.VerdictID, row.Day, err)
	}
	return s, nil
}

// action is what a stored verdict led to. What failed was not taken.
func action(row schema.Verdict) (policy.Taken, bool) {
	taken := policy.Taken{Kind: schemas.VerdictKind(row.Action), At: row.DecidedAt, Rule: row.Rule, FollowUp: row.Rule == schemas.RuleFollowUp}
	var decided schemas.Verdict
	if json.Unmarshal([]byte(row.Decided), &decided) == nil { // none before there were policy files
		taken.Change, taken.Rule = decided.Change, cmp.Or(decided.Follows, row.Rule)
	}
	return taken, row.Act == string(schemas.ActJoined) || row.Act == string(schemas.ActStarted)
}

// TakenQuery selects the actions that may matter to a verdict of a moment.
func TakenQuery(book policy.Book, model, source string, asOf time.Time) schema.VerdictQuery {
	return schema.VerdictQuery{Model: model, DataSource: source, Acted: true, DecidedSince: asOf.AddDate(0, 0, -book.Days()-1), DecidedUntil: asOf}
}

// NightsQuery selects the earlier nights that may matter.
func NightsQuery(book policy.Book, model, source, day string, asOf time.Time) schema.VerdictQuery {
	return schema.VerdictQuery{Model: model, DataSource: source, Until: day, DecidedUntil: asOf, Newest: true, Limit: book.Window() - 1}
}

// Explained is a stored verdict decided again.
type Explained struct {
	Row    schema.Verdict
	Stored schemas.Verdict
	Again  schemas.Verdict
	Case   Case
	// Difference is empty where both are the same.
	Difference string
}

// Stored reads what a verdict of a row was.
func Stored(row schema.Verdict) (schemas.Verdict, error) {
	var v schemas.Verdict
	if row.Policy == "" || row.Decided == "" {
		return v, fmt.Errorf("verdict %s on %s was decided before policies were stored: its reasons are %q", row.VerdictID, row.Day, row.Reason)
	}
	if err := json.Unmarshal([]byte(row.Decided), &v); err != nil {
		return v, fmt.Errorf("verdict %s: %w", row.VerdictID, err)
	}
	return v, nil
}

// Explain decides a stored verdict again from what is stored: its own signals and
// policy, and the verdicts it names, which are among named.
func Explain(row schema.Verdict, named []schema.Verdict) (Explained, error) {
	e := Explained{Row: row}
	var err error
	if e.Stored, err = Stored(row); err != nil {
		return e, err
	}
	book, err := Parse("policy of "+row.VerdictID, []byte(row.Policy))
	if err != nil {
		return e, err
	}
	tonight, err := Night(row)
	if err != nil {
		return e, err
	}
	among := func(ids []string) []schema.Verdict {
		return slices.DeleteFunc(slices.Clone(named), func(v schema.Verdict) bool { return !slices.Contains(ids, v.VerdictID) })
	}
	if e.Case, err = Gather(book, tonight, among(e.Stored.Nights), among(e.Stored.Taken)); err != nil {
		return e, err
	}
	if e.Again, err = e.Case.Decide(); err != nil {
		return e, err
	}
	e.Difference, err = difference(e.Stored, e.Again)
	return e, err
}

// difference says in what two verdicts differ.
func difference(a, b schemas.Verdict) (string, error) {
	first, err := json.Marshal(a)
	if err != nil {
		return "", err
	}
	second, err := json.Marshal(b)
	if err != nil || string(first) == string(second) {
		return "", err
	}
	switch {
	case a.Policy != b.Policy:
		return fmt.Sprintf("decided by policy %s version %d (%s), which is stored as %s", a.Policy.Name, a.Policy.Version, a.Policy.SHA256, b.Policy.SHA256), nil
	case !slices.Equal(a.Nights, b.Nights) || !slices.Equal(a.Taken, b.Taken):
		return fmt.Sprintf("looked at nights %v and actions %v, of which %v and %v are stored", a.Nights, a.Taken, b.Nights, b.Taken), nil
	case a.Kind != b.Kind:
		return fmt.Sprintf("was %s, is %s", a.Kind, b.Kind), nil
	}
	return "the same kind by other reasons: " + string(first) + " and now " + string(second), nil
}
