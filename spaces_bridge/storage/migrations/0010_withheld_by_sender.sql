-- description: words that a key is withheld, found by who sent them
-- compat: 6

CREATE INDEX crypto_withheld_sender ON crypto_withheld (sender);
