return { name = "digits", version = "1.0", godwit = "1", summary = "What the digits team does with its checkpoints" }
