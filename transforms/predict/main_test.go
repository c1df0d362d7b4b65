package predict_test

import (
	"testing"

	"github.com/penstock-ml/penstock/runners/runnerstest"
)

func TestMain(m *testing.M) { runnerstest.Main(m) }
