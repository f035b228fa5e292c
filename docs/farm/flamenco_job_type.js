// A Flamenco 3 job type: one Understudy swap. NOT YET RUN ON A LIVE FARM.
// Copy it into the manager's `scripts` folder. Workers need `understudy` on their PATH.

const JOB_TYPE = {
    label: "Understudy Replace",
    settings: [
        { key: "clip", type: "string", required: true, description: "The plate." },
        { key: "character", type: "string", required: true, description: "The character's picture." },
        { key: "passes", type: "string", required: true, description: "Folder with keypoints and matte." },
        { key: "output", type: "string", required: true, description: "The result; .mov is ProRes 422 HQ." },
        { key: "seed", type: "int32", default: 0, description: "Another number gives another take." },
    ],
};

function compileJob(job) {
    const settings = job.settings;
    const task = author.Task("swap", "misc");
    task.addCommand(author.Command("exec", {
        exe: "understudy",
        args: [
            "replace", settings.clip, settings.character,
            "--passes", settings.passes,
            "--output", settings.output,
            "--seed", String(settings.seed),
            "--label", "farm=flamenco",
            "--overwrite", "--stop-server",
        ],
    }));
    job.addTask(task);
}
