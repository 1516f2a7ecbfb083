package localstack

import (
	"context"
	"fmt"
	"log/slog"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
)

// temporalNamespace is where all workflows run.
const temporalNamespace = "default"

// temporalReady is ready when the frontend answers for the namespace and every
// search attribute is registered there.
func temporalReady(address string, attributes []SearchAttribute) func(context.Context) error {
	return func(ctx context.Context) error {
		c, err := client.DialContext(ctx, client.Options{
			HostPort:  address,
			Namespace: temporalNamespace,
			Logger:    log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
		})
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: temporalNamespace})
		if err != nil {
			return fmt.Errorf("namespace %s: %w", temporalNamespace, err)
		}
		return registerSearchAttributes(ctx, c.OperatorService(), attributes)
	}
}

// registerSearchAttributes adds those that are missing. One that exists with
// another type is an error: the server cannot change it.
func registerSearchAttributes(ctx context.Context, operator operatorservice.OperatorServiceClient, attributes []SearchAttribute) error {
	if len(attributes) == 0 {
		return nil
	}
	have, err := operator.ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: temporalNamespace})
	if err != nil {
		return fmt.Errorf("list search attributes: %w", err)
	}
	missing := map[string]enumspb.IndexedValueType{}
	for _, a := range attributes {
		got, ok := have.GetCustomAttributes()[a.Name]
		if !ok {
			missing[a.Name] = a.Type
		} else if got != a.Type {
			return fmt.Errorf("search attribute %s is registered as %v, not %v: rename it, or start with a new data directory", a.Name, got, a.Type)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	_, err = operator.AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{Namespace: temporalNamespace, SearchAttributes: missing})
	if err != nil {
		return fmt.Errorf("add search attributes: %w", err)
	}
	return nil
}
