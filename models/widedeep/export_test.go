package widedeep

// NewModel builds a model as the registry would.
var NewModel = Kind{}.New
