package workflows

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"puenktlich/activities/collect"
	"puenktlich/schemas"
)

// ImportHistory ingests recordings and releases, oldest first, in windows of a
// file, one activity each. A run that is started again repeats files without
// doubling anything. A file that cannot be read to its end does not keep the
// others out; it fails the run once they are in.
func ImportHistory(ctx workflow.Context, in schemas.ImportInput) (schemas.ImportResult, error) {
	var steps *collect.Activities
	var plan schemas.ImportPlan
	err := workflow.ExecuteActivity(with(ctx, light(schemas.QueueCollect, "files to import")), steps.PlanImport, in).Get(ctx, &plan)
	if err != nil {
		return schemas.ImportResult{Group: in.Group}, readable(err)
	}
	tell(ctx, schemas.AttributeGroup, plan.Group)
	i := newImporting(ctx, in, plan)
	for n := i.first; n < len(plan.Archives); n++ {
		if err := i.file(ctx, n); err != nil {
			return i.done, err
		}
	}
	if len(i.done.Refused) > 0 {
		return i.done, temporal.NewNonRetryableApplicationError(refusals(i.done.Refused), string(i.kind), nil, i.done)
	}
	return i.done, nil
}

// importing is a run of ImportHistory.
type importing struct {
	in    schemas.ImportInput
	plan  schemas.ImportPlan
	first int                   // file to begin with
	from  *schemas.ImportCursor // in that file
	done  schemas.ImportResult  // whole files
	kind  schemas.FailureType   // of the first file that was refused
	since time.Time
}

func newImporting(ctx workflow.Context, in schemas.ImportInput, plan schemas.ImportPlan) *importing {
	i := &importing{in: in, plan: plan, done: schemas.ImportResult{Group: plan.Group, Note: plan.Note}, kind: schemas.FailureIntegrity, since: workflow.Now(ctx)}
	if in.Resume == nil {
		return i
	}
	i.done, i.from, i.since = in.Resume.Done, in.Resume.Cursor, in.Resume.Since
	// Files that were put there since are listed too, before or after.
	i.first, _ = slices.BinarySearch(plan.Archives, in.Resume.File)
	return i
}

// file imports one file, window by window.
func (i *importing) file(ctx workflow.Context, n int) error {
	var steps *collect.Activities
	file := i.plan.Archives[n]
	step := schemas.ImportArchiveInput{Group: i.plan.Group, Path: file, Until: i.plan.Until, Mapping: i.in.Mapping, Provenance: i.in.Provenance, WindowRows: i.in.WindowRows, From: i.from}
	i.from = nil
	for {
		var part schemas.ImportFileResult
		err := workflow.ExecuteActivity(with(ctx, heavy(schemas.QueueCollect, windowName(file, step.From))), steps.ImportArchive, step).Get(ctx, &part)
		if err != nil && !i.refuse(err, &part) {
			return readable(err)
		}
		if part.Next == nil {
			i.done.Add(part)
			i.done.Archives++
			show(ctx, i.card(ctx, n+1, i.done))
			return nil
		}
		now := i.done
		now.Add(part)
		show(ctx, i.card(ctx, n, now))
		if step.From = part.Next; workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			next := i.in
			next.Resume = &schemas.ImportResume{Done: i.done, File: file, Cursor: part.Next, Since: i.since}
			return workflow.NewContinueAsNewError(ctx, ImportHistory, next)
		}
	}
}

// refuse notes a file that no retry can mend, with what is in of it. Other
// errors end the run.
func (i *importing) refuse(err error, part *schemas.ImportFileResult) bool {
	var said *temporal.ApplicationError
	if !errors.As(err, &said) || temporal.IsCanceledError(err) {
		return false
	}
	kind := schemas.FailureType(said.Type())
	if !slices.Contains([]schemas.FailureType{schemas.FailureValidation, schemas.FailureIntegrity, schemas.FailureNotFound, schemas.FailureInvalidInput}, kind) {
		return false
	}
	if said.HasDetails() {
		if lost := said.Details(part); lost != nil {
			*part = schemas.ImportFileResult{}
		}
	}
	part.Next = nil
	if len(i.done.Refused) == 0 {
		i.kind = kind
	}
	i.done.Refused = append(i.done.Refused, said.Message())
	return true
}

// refusalsShown bounds the sentence a run fails with.
const refusalsShown = 5

func refusals(all []string) string {
	shown := strings.Join(all[:min(len(all), refusalsShown)], "\n")
	if len(all) > refusalsShown {
		shown += fmt.Sprintf("\nand %d more files", len(all)-refusalsShown)
	}
	return shown
}

// windowName is what an operator reads of an activity.
func windowName(file string, from *schemas.ImportCursor) string {
	if from == nil {
		return path.Base(file)
	}
	return fmt.Sprintf("%s from row %d on", path.Base(file), from.Row+1)
}

// card tells how far an import is; releases without polls have no moment they
// reach through.
func (i *importing) card(ctx workflow.Context, files int, r schemas.ImportResult) string {
	through := ""
	if !r.Through.IsZero() {
		through = ", through " + r.Through.Format("2006-01-02 15:04")
	}
	total := int64(0)
	for _, size := range i.plan.SizesBytes {
		total += size
	}
	var b strings.Builder
	b.WriteString(fmt.Sprintf("### Importing into %s\n%d of %d files%s\n\n", i.plan.Group, files, len(i.plan.Archives), through))
	b.WriteString(fmt.Sprintf("%d rows, %.1f of %.1f MB%s\n\n", r.Rows, float64(r.Bytes)/1e6, float64(total)/1e6, timeLeft(workflow.Now(ctx).Sub(i.since), r.Bytes, total)))
	b.WriteString(countsTable(r.Counts) + "\n" + r.Note)
	if r.MoreNotes > 0 {
		b.WriteString(fmt.Sprintf("; and notes on %d more files", r.MoreNotes))
	}
	for _, refused := range r.Refused[:min(len(r.Refused), refusalsShown)] {
		b.WriteString("\n\n**" + refused + "**")
	}
	return b.String()
}

// timeLeft goes on at the pace so far.
func timeLeft(spent time.Duration, done, total int64) string {
	if done <= 0 || done >= total || spent <= 0 {
		return ""
	}
	left := time.Duration(float64(spent) * (float64(total)/float64(done) - 1))
	return fmt.Sprintf(", about %s left", left.Round(time.Second))
}
