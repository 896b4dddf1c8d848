//! Writes seeds below the folder that is named first. Records of other making are read from the folder that
//! is named second, if it is there: `RECORD.TYPE.NAME/NUMBER`, one serialized record a file.

use std::error::Error;
use std::{env, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let mut names = env::args().skip(1);
    let folder = names.next().ok_or("usage: seeds FOLDER [RECORDS]")?;
    let mut real = vec![];
    for kind in names.next().map(fs::read_dir).transpose()?.into_iter().flatten() {
        let kind = kind?;
        for record in fs::read_dir(kind.path())? {
            real.push((kind.file_name().to_string_lossy().into_owned(), fs::read(record?.path())?));
        }
    }
    let written = portcullis_laws::fuzz::write_seeds(Path::new(&folder), &real)?;
    println!("{written} seeds, {} records of other making", real.len());
    Ok(())
}
