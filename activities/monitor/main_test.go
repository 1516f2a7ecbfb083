package monitor

import (
	"testing"

	"puenktlich/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }
