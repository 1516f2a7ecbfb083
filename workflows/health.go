package workflows

import (
	"fmt"
	"strings"
	"time"

	"puenktlich/schemas"
)

// maxNames bounds the unknown names of a result.
const maxNames = 20

// firstNames keeps the first of each name; a name is what stands before its count.
func firstNames(names, more []string) []string {
	known := map[string]bool{}
	for _, n := range names {
		known[nameOf(n)] = true
	}
	for _, n := range more {
		if len(names) < maxNames && !known[nameOf(n)] {
			known[nameOf(n)] = true
			names = append(names, n)
		}
	}
	return names
}

func nameOf(line string) string {
	name, _, _ := strings.Cut(line, " ")
	return name
}

// healthCard tells how the stations of a group do: all in one line, and those that
// fail or have a gap in a table.
func healthCard(h schemas.GroupHealth) string {
	if h.Stations == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(fmt.Sprintf("\n**%d stations**: %d failing, %d with a gap that no fchg has healed", h.Stations, h.Failing, h.Gaps))
	if !h.OldestGap.IsZero() {
		b.WriteString(" (oldest since " + h.OldestGap.Format("01-02 15:04:05") + " UTC)")
	}
	if h.SilentEVA != 0 {
		b.WriteString(fmt.Sprintf("; longest silence %s (%d)", time.Duration(h.SilenceSeconds)*time.Second, h.SilentEVA))
	}
	b.WriteString(".\n")
	if h.PutOff > 0 {
		b.WriteString(fmt.Sprintf("\n%d calls were put off to later windows%s; %d stations wait for the next one, those asked longest ago first.\n",
			h.PutOff, allowed(h.Budget), h.Waiting))
	}
	if len(h.Worst) == 0 {
		return b.String()
	}
	b.WriteString("\n| station | last answer | failures in a row | answered in the last hour | gap since | last error |\n|--:|--|--:|--:|--|--|\n")
	for _, s := range h.Worst {
		b.WriteString(fmt.Sprintf("| %d | %s | %d | %d of %d | %s | %s |\n", s.EVA, clock(s.LastOK), s.Failures, s.Answered, s.Asked,
			clock(s.GapSince), strings.NewReplacer("|", "/", "\n", " ").Replace(s.Error)))
	}
	return b.String()
}

func allowed(budget int) string {
	if budget == 0 {
		return ""
	}
	return fmt.Sprintf(", since the source's limit leaves %d a window to this group", budget)
}

// clock writes a moment of a card, - for none.
func clock(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format("01-02 15:04:05")
}

func unknownCard(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "\nNot in the published schema, kept raw and in the table unknown_attribute:\n- `" + strings.Join(names, "`\n- `") + "`\n"
}
