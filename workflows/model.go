package workflows

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"puenktlich/activities/release"
	"puenktlich/activities/serve"
	"puenktlich/schemas"
)

// confirmWithin is how long a switch waits for API instances to serve the new
// champion.
const confirmWithin = 30 * time.Second

// model is the state of the one long-lived workflow of a model name, the only
// writer of its aliases. The aliases themselves lie in the object store.
type model struct {
	name   string
	leases []schemas.Lease // by instance
	last   *schemas.AliasEntry
	busy   workflow.Mutex
	// challenger is tried by the workflow rollout; both are empty without one.
	challenger *schemas.ChallengerEntry
	rollout    string
	// plan is what the rollout goes through, served how the packages did since its
	// stage began; reports wait for a judgement.
	plan    *schemas.Rollout
	served  []schemas.ServiceReport
	reports []schemas.ServiceReport
}

// Model takes the updates promote, rollback and challenge, one at a time, hands
// approve and reject to the rollout that tries the challenger, and keeps the
// leases of the API instances. It never ends: it continues as new.
func Model(ctx workflow.Context, in schemas.ModelInput) error {
	if in.Model == "" {
		in.Model = schemas.DefaultModel
	}
	if id := schemas.ModelID(in.Model); workflow.GetInfo(ctx).WorkflowExecution.ID != id {
		return refuse(schemas.FailureInvalidInput, "the workflow of model %s runs once, under the id %s, and is started by the first promotion: send the updates %s and %s there", in.Model, id, schemas.UpdatePromote, schemas.UpdateRollback)
	}
	tell(ctx, schemas.AttributeModel, in.Model)
	m := &model{name: in.Model, leases: in.Leases, challenger: in.Challenger, rollout: in.Rollout, plan: in.Plan, served: in.Served, busy: workflow.NewMutex(ctx)}
	if err := m.listen(ctx); err != nil {
		return err
	}
	m.receiveLeases(ctx)
	m.forwardTicks(ctx)
	err := workflow.Await(ctx, func() bool {
		return workflow.GetInfo(ctx).GetContinueAsNewSuggested() && workflow.AllHandlersFinished(ctx)
	})
	if err != nil {
		return err
	}
	return workflow.NewContinueAsNewError(ctx, Model, schemas.ModelInput{Model: m.name, Leases: m.leases, Challenger: m.challenger, Rollout: m.rollout, Plan: m.plan, Served: m.served})
}

// listen registers updates and the query.
func (m *model) listen(ctx workflow.Context) error {
	err := workflow.SetUpdateHandlerWithOptions(ctx, schemas.UpdatePromote, m.promote, workflow.UpdateHandlerOptions{Validator: validatePromote(m.name), Description: "make a package champion"})
	if err != nil {
		return err
	}
	err = workflow.SetUpdateHandlerWithOptions(ctx, schemas.UpdateRollback, m.rollback, workflow.UpdateHandlerOptions{Validator: validateRollback, Description: "bring back an earlier champion"})
	if err != nil {
		return err
	}
	if err := m.listenChallenger(ctx); err != nil {
		return err
	}
	return workflow.SetQueryHandlerWithOptions(ctx, schemas.QueryStatus, func() (schemas.ModelStatus, error) {
		return schemas.ModelStatus{Model: m.name, Last: m.last, Leases: m.leases, Challenger: m.challenger, Rollout: m.rollout}, nil
	}, workflow.QueryHandlerOptions{Description: "last switch, challenger and leased API instances"})
}

func validatePromote(name string) func(workflow.Context, schemas.PromoteRequest) error {
	return func(_ workflow.Context, r schemas.PromoteRequest) error {
		switch {
		case r.Package.Digest == "" || r.Package.Prefix == "":
			return fmt.Errorf("promote: package.digest and package.prefix are required: start PromoteModel, which fills them in")
		case r.Package.Model != name:
			return fmt.Errorf("promote: the package is of model %q, this is %q", r.Package.Model, name)
		case r.Reason == "":
			return fmt.Errorf("promote: reason is required: the audit keeps it")
		}
		return nil
	}
}

func validateRollback(_ workflow.Context, r schemas.RollbackRequest) error {
	if r.Reason == "" {
		return fmt.Errorf("rollback: reason is required: the audit keeps it")
	}
	return nil
}

func (m *model) promote(ctx workflow.Context, r schemas.PromoteRequest) (schemas.SwitchResult, error) {
	return m.change(ctx, schemas.SwitchInput{Model: m.name, Package: r.Package, Actor: actor(r.Actor), Reason: r.Reason, Evidence: r.Evidence, At: r.At})
}

func (m *model) rollback(ctx workflow.Context, r schemas.RollbackRequest) (schemas.SwitchResult, error) {
	return m.change(ctx, schemas.SwitchInput{Model: m.name, Rollback: true, Digest: r.Digest, Actor: actor(r.Actor), Reason: r.Reason, Evidence: r.Evidence, At: r.At})
}

// actor says who acts; the Temporal UI of a development server knows nobody.
func actor(name string) string {
	if name == "" {
		return "unauthenticated UI"
	}
	return name
}

// change writes the alias, then asks every leased instance to load it.
func (m *model) change(ctx workflow.Context, in schemas.SwitchInput) (schemas.SwitchResult, error) {
	if err := m.busy.Lock(ctx); err != nil {
		return schemas.SwitchResult{}, err
	}
	defer m.busy.Unlock()
	if in.Token == "" {
		in.Token = workflow.GetCurrentUpdateInfo(ctx).ID
	}
	var steps *release.Activities
	var champion schemas.AliasEntry
	summary := fmt.Sprintf("champion := %s by %s", versionName(in.Package), in.Actor)
	if in.Rollback {
		summary = "roll back by " + in.Actor
	}
	if err := workflow.ExecuteActivity(with(ctx, light(schemas.QueueRelease, summary)), steps.SwitchAlias, in).Get(ctx, &champion); err != nil {
		return schemas.SwitchResult{}, readable(err)
	}
	m.last = &champion
	if m.challenger != nil && m.challenger.Package.Digest == champion.Package.Digest {
		m.challenger = nil
	}
	m.tellWatch(ctx, in, champion)
	result := m.confirm(ctx, champion)
	tell(ctx, schemas.AttributeVersion, versionName(champion.Package))
	show(ctx, switchCard(result))
	return result, nil
}

// confirm waits until every leased instance serves the champion, or names those
// that did not in time.
func (m *model) confirm(ctx workflow.Context, champion schemas.AliasEntry) schemas.SwitchResult {
	var steps *serve.Activities
	result := schemas.SwitchResult{Champion: champion, Confirmed: []string{}, Unconfirmed: []string{}}
	var asked []string
	var answers []workflow.Future
	for _, lease := range m.leased(ctx) {
		asked = append(asked, lease.Instance)
		options := workflow.ActivityOptions{TaskQueue: string(schemas.ServeQueue(lease.Instance)), ScheduleToCloseTimeout: confirmWithin,
			Summary: lease.Instance + " loads " + versionName(champion.Package), RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Second}}
		answers = append(answers, workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, options), steps.LoadPackage, schemas.LoadInput{Package: champion.Package}))
	}
	for i, answer := range answers {
		var loaded schemas.LoadResult
		if err := answer.Get(ctx, &loaded); err != nil || loaded.Digest != champion.Package.Digest {
			result.Unconfirmed = append(result.Unconfirmed, asked[i])
			continue
		}
		result.Confirmed = append(result.Confirmed, asked[i])
	}
	result.Note = fmt.Sprintf("%d of %d leased API instances serve it", len(result.Confirmed), len(asked))
	return result
}

// leased are the instances that say they are there.
func (m *model) leased(ctx workflow.Context) []schemas.Lease {
	return slices.DeleteFunc(slices.Clone(m.leases), func(l schemas.Lease) bool { return l.Expires.Before(workflow.Now(ctx)) })
}

// receiveLeases keeps the newest lease of each instance and drops expired ones.
func (m *model) receiveLeases(ctx workflow.Context) {
	leases := workflow.GetSignalChannel(ctx, schemas.SignalLease)
	workflow.Go(ctx, func(ctx workflow.Context) {
		for {
			var lease schemas.Lease
			leases.Receive(ctx, &lease)
			m.leases = slices.DeleteFunc(m.leases, func(l schemas.Lease) bool {
				return l.Instance == lease.Instance || l.Expires.Before(workflow.Now(ctx))
			})
			reports := lease.Health
			lease.Health = nil
			m.leases = append(m.leases, lease)
			m.judgeService(ctx, reports)
		}
	})
}

func switchCard(r schemas.SwitchResult) string {
	c := r.Champion
	return fmt.Sprintf("### Champion %s\nsince %s, by %s: %s\n\nmanifest `%s`\n\n%s. Confirmed: %s. Not confirmed: %s.",
		versionName(c.Package), c.Since.Format(time.RFC3339), c.Actor, c.Reason, c.Package.Digest, r.Note, list(r.Confirmed), list(r.Unconfirmed))
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
