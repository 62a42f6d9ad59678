package main

// StoreInitResponse says which buckets were made.
type StoreInitResponse struct {
	Stores []StorePlace `json:"stores"`
}

// StorePlace is where one of the stores is.
type StorePlace struct {
	Store string `json:"store"` // locked, meta, spare
	Place string `json:"place"` // folder, or s3://host/bucket
	Made  bool   `json:"made"`  // by this command
}

// StoreCheckResponse is what was tried of the stores.
type StoreCheckResponse struct {
	OK     bool         `json:"ok"`
	Checks []StoreCheck `json:"checks"`
}

// StoreCheck is one promise of a store.
type StoreCheck struct {
	Store   string `json:"store"`
	Name    string `json:"name"`
	OK      bool   `json:"ok"`
	Untried bool   `json:"untried,omitempty"` // the credentials do not allow the attempt
	Says    string `json:"says,omitempty"`
}
