return {
  name = "serving", version = "1.1", godwit = "1, >= 0.1", requires = { digits = ">= 1.0, < 2" },
  summary = "What another team makes of the digits team's releases",
}
