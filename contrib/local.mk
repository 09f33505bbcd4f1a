EXTRA_DIST += contrib/quickstart contrib/examples/shop/app.yaml
