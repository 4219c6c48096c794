// Reads cases as JSON and tells of each whether the reference library of Standard Webhooks accepts it.
import { readFileSync } from "node:fs";

import { Webhook } from "standardwebhooks";

const systemNow = Date.now;

function accepts({ secret, headers, body, now }) {
  Date.now = () => now * 1000;
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch {
    return false;
  } finally {
    Date.now = systemNow;
  }
}

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(accepts)));
