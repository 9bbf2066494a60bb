//! The end of a cell, and that of the kernel under it.

use super::*;

impl Relay {
    pub(super) fn conclude(&mut self, mut cell: Cell) -> Result<()> {
        let given = self.options.sources.as_deref();
        let needed = !cell.scanner.found().is_empty() || !cell.reported.is_empty();
        let source = needed
            .then(|| source::find(given, self.kernel.process.id()))
            .flatten();
        let mut failures = cell.failures(source.as_deref(), &self.variables, &self.history);
        if failures.is_empty() && !cell.has_result && self.fence.is_deaf() {
            let value = "text that is not UTF-8 was written to standard error: the kernel sees no \
                         panic and no failed `?` any more";
            let more = ["  Restart the kernel. Nothing says whether this cell did what it should."];
            failures.push(Failure::new("Deaf", value, &more.map(str::to_owned)));
        }
        let rest = cell.rest(&failures);
        if !rest.is_empty() {
            let content = json!({"name": "stderr", "text": rest});
            self.publish("stream", &cell.request.message.header, &content)?;
        }
        let lost = failures
            .iter()
            .any(|failure| matches!(failure.name.as_str(), "Interrupted" | "Crash"));
        for failure in &mut failures {
            failure.tell_of_loss(&self.missing);
        }
        if lost {
            let lost = self.variables.drain(..).map(|name| (name, None));
            self.missing.extend(lost);
        } else if failures.is_empty() {
            for name in code::variables(&cell.request.code) {
                self.missing.retain(|(missing, _)| *missing != name);
                if !self.variables.contains(&name) {
                    self.variables.push(name);
                }
            }
        } else {
            for name in code::variables(&cell.request.code) {
                if !self.variables.contains(&name) {
                    self.missing.retain(|(missing, _)| *missing != name);
                    self.missing.push((name, Some(cell.count)));
                }
            }
        }
        if failures.is_empty() {
            let header = &cell.request.message.header;
            for panic in cell.panics() {
                let text = format!("a panic was caught: {}\n", panic.message.trim_end());
                self.publish("stream", header, &json!({"name": "stderr", "text": text}))?;
            }
        }
        let id = cell.request.message.id().to_owned();
        self.last = Some((id, std::mem::take(&mut cell.scanner)));
        self.say(cell, &failures)
    }

    /// Error outputs, the reply and the state, in this order.
    pub(super) fn say(&mut self, cell: Cell, failures: &[Failure]) -> Result<()> {
        let _ = std::fs::remove_file(self.stop_file());
        let request = &cell.request;
        let header = &request.message.header;
        for failure in failures {
            self.publish("error", header, &failure.content())?;
        }
        let mut content = match (&cell.reply, failures.first()) {
            (_, Some(failure)) => failure.content(),
            (Some(reply), None) => reply.content(),
            (None, None) => json!({}),
        };
        content["status"] = json!(if failures.is_empty() { "ok" } else { "error" });
        content["execution_count"] = json!(cell.count);
        if failures.is_empty() {
            content["user_expressions"] = cell.request.user_expressions();
            if content.get("payload").is_none() {
                content["payload"] = json!([]);
            }
        }
        let mut reply = Message::new("execute_reply", header, &content)?;
        reply.identities.clone_from(&request.message.identities);
        if request.remembered {
            self.history.add(cell.count, &request.code);
        }
        let stop = (request.stop_on_error && !failures.is_empty()) || cell.interrupts > 0;
        if stop {
            self.gather();
        }
        self.shell.send(request.peer, reply.frames(&self.signer));
        self.publish("status", header, &json!({"execution_state": "idle"}))?;
        if stop {
            self.abort_queue()?;
        }
        Ok(())
    }

    /// The kernel's process has ended by itself.
    pub(super) fn replace_kernel(&mut self, how: &str) -> Result<()> {
        if self.kernel.process.is_lent() && !self.kernel.is_ready() {
            // Nobody has seen it yet.
            return self.start_kernel();
        }
        if !self.kernel.is_ready() {
            self.early_ends += 1;
        }
        if self.early_ends >= TRIES {
            let problem = format!("the kernel ended {TRIES} times before it was ready ({how})");
            let failure = Failure::new("KernelDied", &problem, &[]);
            self.gather();
            for request in std::mem::take(&mut self.queue) {
                self.publish("error", &request.message.header, &failure.content())?;
                self.refuse(&request, &failure.content())?;
            }
            return Err(KernelError::Child {
                command: self.kernel.process.name().to_owned(),
                problem: format!("expected it to get ready, but it ended {TRIES} times ({how})"),
            });
        }
        self.publish(
            "status",
            &Value::Null,
            &json!({"execution_state": "restarting"}),
        )?;
        let lost = std::mem::take(&mut self.variables);
        self.missing
            .extend(lost.iter().map(|name| (name.clone(), None)));
        let names = match &lost[..] {
            [] => String::new(),
            names => format!(" ({})", names.join(", ")),
        };
        let failure = Failure::new(
            "KernelDied",
            &format!("the kernel ended ({how}) and is started again"),
            &[format!(
                "  Lost: all variables{names}, functions, types and `use` lines. Run the notebook \
                 from its first cell."
            )],
        );
        match self.running.take() {
            Some(cell) => {
                self.gather();
                self.say(cell, &[failure])?;
                self.abort_queue()?;
            }
            None => {
                let text = format!("{}\n", failure.traceback.join("\n"));
                let content = json!({"name": "stderr", "text": text});
                self.publish("stream", &Value::Null, &content)?;
            }
        }
        self.start_kernel()
    }

    /// Starts a kernel in the place of the last one.
    pub(super) fn start_kernel(&mut self) -> Result<()> {
        for asked in std::mem::take(&mut self.pending) {
            // Nobody will answer these any more; an idle state lets clients go on.
            let parent = json!({"msg_id": asked.id});
            self.publish("status", &parent, &json!({"execution_state": "idle"}))?;
        }
        self.kernel = Kernel::start(
            &self.options.command,
            self.folder.path(),
            self.kernel.generation + 1,
            &self.sender,
            &self.iopub,
        )?;
        Ok(())
    }
}
