"""Files of the OQS exchange folders (連携アプリケーション): codes, names, rules, reading and writing."""
