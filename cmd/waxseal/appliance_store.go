package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/waxseal/waxseal/archiver"
	"github.com/waxseal/waxseal/archiver/worm/s3"
	"github.com/waxseal/waxseal/archiver/worm/selftest"
)

// StoreInit makes the buckets that are not there.
func (a *appliance) StoreInit(ctx context.Context) (StoreInitResponse, error) {
	r := StoreInitResponse{Stores: []StorePlace{}}
	for _, name := range []string{storeLocked, storeMeta, storeSpare} {
		p := a.set.place(name)
		if p.bucket == nil {
			continue
		}
		made, err := s3.Make(ctx, *p.bucket, name == storeLocked)
		if err != nil {
			return r, fmt.Errorf("%s store: %w", name, err)
		}
		r.Stores = append(r.Stores, StorePlace{Store: name, Place: p.text, Made: made})
	}
	if len(r.Stores) == 0 {
		return r, fmt.Errorf("no store is a bucket: set stores.locked, stores.meta, stores.spare; folders are made by 'run' and 'archive': %w", ErrUsage)
	}
	return r, nil
}

// StoreCheck tries the stores.
func (a *appliance) StoreCheck(ctx context.Context) (StoreCheckResponse, error) {
	r := StoreCheckResponse{OK: true, Checks: []StoreCheck{}}
	add := func(c StoreCheck) {
		r.OK = r.OK && (c.OK || c.Untried)
		r.Checks = append(r.Checks, c)
	}
	for _, name := range []string{storeLocked, storeMeta, storeSpare} {
		p := a.set.place(name)
		opened, err := p.openToRead(ctx, name)
		if err != nil {
			if ctx.Err() != nil {
				return r, context.Cause(ctx)
			}
			add(StoreCheck{Store: name, Name: "opens", Says: err.Error()})
			continue
		}
		add(StoreCheck{Store: name, Name: "opens", OK: true, Says: p.text})
		prober, ok := opened.(selftest.Prober)
		if !ok {
			continue
		}
		result, err := selftest.Run(ctx, prober, archiver.Sleep)
		if err != nil {
			return r, err
		}
		for _, c := range result.Checks {
			check := StoreCheck{Store: name, Name: c.Name, OK: c.Err == nil, Untried: errors.Is(c.Err, selftest.ErrNotAllowed)}
			if c.Err != nil {
				check.Says = c.Err.Error()
			}
			add(check)
		}
	}
	return r, nil
}
