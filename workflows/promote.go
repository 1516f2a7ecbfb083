package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"puenktlich/activities/release"
	"puenktlich/schemas"
)

// PromoteModel loads a package as a server would and asks the Model workflow to
// make it champion.
func PromoteModel(ctx workflow.Context, in schemas.PromoteInput) (schemas.SwitchResult, error) {
	var steps *release.Activities
	var result schemas.SwitchResult
	if in.Package.Digest == "" {
		var newest schemas.PackageRef
		err := workflow.ExecuteActivity(with(ctx, light(schemas.QueueRelease, "newest version")), steps.NewestPackage, in).Get(ctx, &newest)
		if err != nil {
			return result, readable(err)
		}
		in.Package = newest
	}
	if in.Reason == "" {
		in.Reason = "started by hand"
	}
	in.Actor = actor(in.Actor)
	tell(ctx, schemas.AttributeModel, in.Package.Model)
	tell(ctx, schemas.AttributeVersion, versionName(in.Package))
	err := workflow.ExecuteActivity(with(ctx, heavy(schemas.QueueRelease, "verify "+versionName(in.Package))), steps.VerifyPackage, in.Package).Get(ctx, nil)
	if err != nil {
		return result, readable(err)
	}
	err = workflow.ExecuteActivity(with(ctx, heavy(schemas.QueueRelease, "ask "+schemas.ModelID(in.Package.Model))), steps.RequestPromotion, in).Get(ctx, &result)
	if err != nil {
		return result, readable(err)
	}
	show(ctx, switchCard(result)+fmt.Sprintf("\n\nThe long-lived workflow is `%s`.", schemas.ModelID(in.Package.Model)))
	return result, nil
}
