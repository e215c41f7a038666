# npx esbuild ../handlers/consumer.ts ../handlers/scheduler.ts --bundle --platform=node --target=node24 --format=esm \
#   --minify --keep-names --sourcemap --external:@aws-sdk/* --main-fields=module,main --out-extension:.js=.mjs --outdir=build \
#   --banner:js="import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);"
# terraform init && terraform apply

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws     = { source = "hashicorp/aws", version = ">= 6.0" }
    archive = { source = "hashicorp/archive", version = ">= 2.4" }
  }
}

data "aws_secretsmanager_secret" "redis" {
  name = "lambdesque/upstash"
}

data "archive_file" "code" {
  type        = "zip"
  source_dir  = "${path.module}/build"
  output_path = "${path.module}/build.zip"
}

data "aws_iam_policy_document" "lambda" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

locals {
  functions = {
    default   = { handler = "consumer.handler", memory = 512, timeout = 300 }
    scheduler = { handler = "scheduler.handler", memory = 256, timeout = 120 }
  }
}

resource "aws_iam_role" "function" {
  for_each           = local.functions
  name               = "lambdesque-${each.key}"
  assume_role_policy = data.aws_iam_policy_document.lambda.json
}

resource "aws_iam_role_policy_attachment" "logs" {
  for_each   = local.functions
  role       = aws_iam_role.function[each.key].name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_iam_role_policy" "redis" {
  for_each = local.functions
  role     = aws_iam_role.function[each.key].id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "secretsmanager:GetSecretValue", Resource = data.aws_secretsmanager_secret.redis.arn }]
  })
}

resource "aws_lambda_function" "function" {
  for_each         = local.functions
  function_name    = "lambdesque-${each.key}"
  role             = aws_iam_role.function[each.key].arn
  runtime          = "nodejs24.x"
  architectures    = ["arm64"]
  handler          = each.value.handler
  memory_size      = each.value.memory
  timeout          = each.value.timeout
  filename         = data.archive_file.code.output_path
  source_code_hash = data.archive_file.code.output_base64sha256
  logging_config {
    log_format = "JSON"
  }
}

# Another tick follows: nothing of a failed start is worth repeating.
resource "aws_lambda_function_event_invoke_config" "function" {
  for_each                     = local.functions
  function_name                = aws_lambda_function.function[each.key].function_name
  maximum_retry_attempts       = 0
  maximum_event_age_in_seconds = 60
}

resource "aws_iam_role_policy" "start" {
  role = aws_iam_role.function["scheduler"].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = "lambda:InvokeFunction", Resource = aws_lambda_function.function["default"].arn },
      # How many functions the account runs at once, so that its own ticks do not wait behind workers.
      { Effect = "Allow", Action = "lambda:GetAccountSettings", Resource = "*" },
    ]
  })
}

resource "aws_iam_role" "tick" {
  name = "lambdesque-tick"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "scheduler.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy" "tick" {
  role = aws_iam_role.tick.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "lambda:InvokeFunction", Resource = aws_lambda_function.function["scheduler"].arn }]
  })
}

resource "aws_scheduler_schedule" "tick" {
  name                = "lambdesque-tick"
  schedule_expression = "rate(1 minute)"
  flexible_time_window {
    mode = "OFF"
  }
  target {
    arn      = aws_lambda_function.function["scheduler"].arn
    role_arn = aws_iam_role.tick.arn
    retry_policy {
      maximum_retry_attempts       = 0
      maximum_event_age_in_seconds = 60
    }
  }
}
