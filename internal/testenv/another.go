package testenv

import "testing"

// AnotherClickHouse starts a second engine for one test, for what must not
// depend on the engine that happens to run; it ends with the test.
func AnotherClickHouse(t testing.TB) ClickHouseOptions {
	t.Helper()
	engine := &child{name: clickHouseServer}
	t.Cleanup(engine.end)
	addr, err := engine.address()
	if err != nil {
		t.Fatal(err)
	}
	return ClickHouseOptions{Addr: "http://" + addr, Database: "test", User: "default", Password: clickHousePassword}
}
